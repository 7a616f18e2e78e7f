// Lets the contestants of benchmarks/web take turns, and prints their medians and ratios as Markdown. benchmarks/web/run starts it.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {cpSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {cpus} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';

import {serve} from '../../examples/web/serve.mjs';

const rounds = Number(process.argv[2]);
const root = fileURLToPath(new URL('../..', import.meta.url)), build = join(root, 'build');
const models = join(build, 'peers/models'), peers = join(build, 'wasm/peers');
const weights = join(models, 'cvt-13.safetensors'), graph = join(models, 'cvt-13-224-b1.onnx'), input = join(models, 'images-224-b1.f32');

/** A process that answers lines. */
async function start(name, command, env = {}) {
  const child = spawn(command[0], command.slice(1), {stdio: ['pipe', 'pipe', 'inherit'], env: {...process.env, ...env}});
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  const ask = async line => {
    child.stdin.write(line + '\n');
    const {value, done} = await lines.next();
    if (done) throw new Error(`${name} ended`);
    return value;
  };
  const first = JSON.parse((await lines.next()).value);
  return {name, logits: first.logits, run: async () => Number(await ask('run')), close: () => (child.stdin.end(), once(child, 'exit')), times: []};
}

const {chromium} = createRequire(join(peers, 'x.js'))('playwright-core');
const launch = () => chromium.launch({executablePath: '/usr/bin/chromium', args: [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']});

/** Milliseconds from navigation to the first class on the page of examples/web, in a browser that runs already and has nothing in its cache. */
async function firstClass() {
  const server = await serve(join(build, 'wasm/site')), browser = await launch(), times = [];
  for (let i = 0; i < rounds; ++i) {
    const context = await browser.newContext(), page = await context.newPage();
    await new Promise(done => setTimeout(done, 1500));  // the browser has started its processes
    await page.goto(server.url);
    await page.waitForFunction(() => performance.getEntriesByName('classified').length > 0);
    times.push(await page.evaluate(() => performance.getEntriesByName('classified')[0].startTime));
    await context.close();
  }
  await browser.close();
  await server.close();
  return times;
}

/** The page's engines: both libraries in one page, which runs one at a time. */
async function inChromium() {
  const site = join(build, 'wasm/bench');
  cpSync(join(build, 'wasm/site/cvt'), join(site, 'cvt'), {recursive: true});
  cpSync(join(peers, 'node_modules/onnxruntime-web/dist'), join(site, 'ort'), {recursive: true});
  for (const [from, to] of [[weights, 'peer.safetensors'], [graph, 'peer.onnx'], [input, 'peer.f32']]) cpSync(from, join(site, to));
  const server = await serve(site);
  const browser = await launch();
  const context = await browser.newContext({bypassCSP: true});
  const contestants = [];
  for (const name of ['wasm-relaxed', 'wasm-simd128', 'ort']) {
    const page = await context.newPage();
    await page.goto(server.url + 'cvt/cvt.js');  // a page without scripts of its own
    const logits = await page.evaluate(async name => {
      const pixels = new Float32Array(await (await fetch('../peer.f32')).arrayBuffer());
      if (name === 'ort') {
        const ort = await import('../ort/ort.wasm.min.mjs');
        ort.env.wasm.numThreads = 1;
        ort.env.wasm.wasmPaths = '/ort/';
        const session = await ort.InferenceSession.create('../peer.onnx', {executionProviders: ['wasm'], graphOptimizationLevel: 'all'});
        const feeds = {image: new ort.Tensor('float32', pixels, [1, 3, 224, 224])};
        globalThis.once = async () => {
          const begin = performance.now(), {logits} = await session.run(feeds);
          return {logits: [...logits.data], run: performance.now() - begin};
        };
      } else {
        const {load} = await import('./cvt.js');
        const model = await load('../peer.safetensors', {kernels: name});
        globalThis.once = async () => {
          const {logits, milliseconds} = await model.classify({tensor: pixels, channels: 3, height: 224, width: 224});
          return {logits: [...logits], run: milliseconds.run};
        };
      }
      for (let i = 0; i < 3; ++i) await globalThis.once();
      return (await globalThis.once()).logits;
    }, name);
    contestants.push({name, logits, times: [], run: () => page.evaluate(async () => (await globalThis.once()).run), close: () => page.close()});
  }
  return {contestants, version: browser.version(), close: async () => {
    await browser.close();
    await server.close();
  }};
}

const median = values => {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const ratio = (a, b) => median(a.times.map((time, i) => time / b.times[i])).toFixed(2);

/** Every round begins with another contestant; the second of two runs is timed. */
async function takeTurns(contestants) {
  for (const c of contestants.slice(1)) {
    const apart = c.logits === undefined ? 0 : Math.max(...c.logits.map((v, i) => Math.abs(v - contestants[0].logits[i])));
    if (!(apart < 1e-3)) throw new Error(`the logits of ${c.name} are of another model: ${apart} apart`);
  }
  for (let round = 0; round < rounds; ++round) {
    for (let i = 0; i < contestants.length; ++i) {
      const c = contestants[(round + i) % contestants.length];
      await c.run();
      c.times.push(await c.run());
    }
  }
}

const node = await Promise.all([
  start('cvt, wasm-simd128', [process.execPath, join(root, 'benchmarks/web/contestant.mjs'), 'cvt', join(build, 'wasm/package'), weights, input]),
  start('onnxruntime-web 1.30, wasm, SIMD', [process.execPath, join(root, 'benchmarks/web/contestant.mjs'), 'ort', peers, graph, input]),
  start('cvt native, sse2', [join(build, 'peers/release/peer_cvt'), weights, '224', '1', '1', input, 'f32'], {CVT_FORCE_KERNELS: 'sse2'}),
]);
await takeTurns(node);
await Promise.all(node.map(c => c.close()));
const page = await inChromium();
await takeTurns(page.contestants);
await page.close();
const opened = await firstClass();

console.log(`CvT-13 at 224, float32, batch 1, one thread; medians of ${rounds} interleaved rounds, in milliseconds. A ratio is the median of the rounds' quotients.\n`);
console.log('| where | contestant | ms | least | cvt / it |\n|---|---|---|---|---|');
const row = (where, c, first) => console.log(
    `| ${where} | ${c.name} | ${median(c.times).toFixed(0)} | ${Math.min(...c.times).toFixed(0)} | ${c === first ? '' : ratio(first, c)} |`);
for (const c of node) row(`Node ${process.versions.node}`, c, node[0]);
for (const c of page.contestants) row(`Chromium ${page.version.split('.')[0]}`, c, page.contestants[0]);
console.log(`\nThe page, built-in model, from navigation to the first class: ${median(opened).toFixed(0)} ms (least ${Math.min(...opened).toFixed(0)}).`);
console.log(`\n${cpus()[0].model}, ${cpus().length} cores visible`);
