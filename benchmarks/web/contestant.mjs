// A contestant of benchmarks/web: loads the model and answers each line "run" of standard input with the milliseconds of a forward pass.
//
// node contestant.mjs cvt|ort MODULES MODEL INPUT     MODULES: the folder of the package, or the one that npm filled
// The first output line is {"name": ..., "logits": [...]}.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import {createInterface} from 'node:readline';
import {pathToFileURL} from 'node:url';

const [name, modules, file, input] = process.argv.slice(2);
const bytes = readFileSync(input), pixels = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));

async function cvt() {
  const {Engine} = await import(pathToFileURL(resolve(modules, 'engine.js')));
  const engine = new Engine(await WebAssembly.compile(readFileSync(join(modules, 'cvt-simd128.wasm'))));
  await engine.load({weights: new Uint8Array(readFileSync(file)), config: '', preprocessor: ''});
  return async () => engine.runTensor({data: pixels, channels: 3, height: 224, width: 224}, {logits: 1, embedding: 0, attention: 0, topK: 0}).logits;
}

async function ort() {
  const runtime = createRequire(resolve(modules, 'x.js'))('onnxruntime-web');
  Object.assign(runtime.env.wasm, {numThreads: 1, simd: true});
  runtime.env.logLevel = 'error';
  const session = await runtime.InferenceSession.create(readFileSync(file), {executionProviders: ['wasm'], graphOptimizationLevel: 'all'});
  const feeds = {image: new runtime.Tensor('float32', pixels, [1, 3, 224, 224])};
  return async () => (await session.run(feeds)).logits.data;
}

const run = await (name === 'cvt' ? cvt() : ort());
for (let i = 0; i < 3; ++i) await run();  // the engine optimises what runs often
console.log(JSON.stringify({name, logits: [...await run()]}));
for await (const line of createInterface({input: process.stdin})) {
  if (line !== 'run') throw new Error(`unknown line: ${line}`);
  const begin = performance.now();
  await run();
  console.log(performance.now() - begin);
}
