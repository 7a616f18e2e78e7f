// The package in Node: logits against the float64 reference, pixels, options, errors, traps, memory, the stack, the size.
import assert from 'node:assert/strict';
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, test} from 'node:test';
import {gzipSync} from 'node:zlib';

import {CvtError, kernels, load} from '../../build/wasm/package/cvt.js';
import {Engine, wasi} from '../../build/wasm/package/engine.js';
import {build, difference, formulaCheckpoint, formulaImage, readNpy, root, temporaryFolder} from './support.mjs';

const weights = join(root, 'weights/');
const photos = ['berlin_cathedral.jpg', 'golf_ball.png'].map(name => join(root, 'examples/images', name));
const folder = temporaryFolder();
const want = {logits: 1, embedding: 0, attention: 0, topK: 5};

const open = [];
const loaded = async (...args) => {
  open.push(await load(...args));
  return open.at(-1);
};
after(() => open.forEach(model => model.close()));

const moduleOf = set => new WebAssembly.Module(readFileSync(join(build, `package/cvt-${set}.wasm`)));
const fails = (code, text) => error => {
  assert.ok(error instanceof CvtError, error.stack);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, text);
  return true;
};

test('CvT-13 with generated weights gives the float64 reference\'s logits, embedding and attention', async () => {
  const file = join(folder, 'cvt-13.safetensors');
  writeFileSync(file, formulaCheckpoint('cvt-13'));
  const model = await loaded(file);
  assert.equal(model.info.variant, 'CvT-13');
  assert.equal(model.info.kernels, kernels()[0]);
  const image = formulaImage(224);
  const result = await model.classify(image, {embedding: true, attention: true});
  const golden = readNpy(join(root, 'tests/data/golden/published.npy'));
  const errors = {
    logits: difference(result.logits, golden.slice(0, 1000)),
    embedding: difference(result.embedding, golden.slice(1000, 1384)),
    attention: difference(result.attention.values, golden.slice(1384 + 3000, 1384 + 3000 + 6 * 49)),
  };
  console.log('largest differences from the float64 reference', errors);
  for (const [what, error] of Object.entries(errors)) assert.ok(error <= 1e-5, `${what}: ${error}`);
});

test('pixels, a Blob, bytes and a path give the same logits', async () => {
  const model = await loaded({weights: readFileSync(weights + 'model.safetensors'), config: weights + 'config.json',
                              preprocessor: JSON.parse(readFileSync(weights + 'preprocessor_config.json', 'utf8'))});
  const file = readFileSync(photos[1]);
  const expected = (await model.classify(photos[1])).logits;
  const engine = new Engine(moduleOf('simd128'));  // for the decoded pixels
  await engine.load({weights: new Uint8Array(readFileSync(weights + 'model.safetensors')), config: readFileSync(weights + 'config.json', 'utf8'), preprocessor: ''});
  engine.runFile(new Uint8Array(file), true, want);
  const {data, width, height} = engine.picture();
  for (const image of [file, new Blob([file]), file.buffer.slice(file.byteOffset, file.byteOffset + file.length), {data, width, height}])
    assert.deepEqual((await model.classify(image)).logits, expected);
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; ++i) rgba.set([...data.subarray(3 * i, 3 * i + 3), 17], 4 * i);
  assert.deepEqual((await model.classify({data: rgba, width, height})).logits, expected);
});

test('embedding, attention, size, orientation', async () => {
  const model = await loaded(weights, {size: 192});
  assert.deepEqual(model.info.input, {height: 192, width: 192});
  assert.equal((await model.embed(photos[0])).length, 192);
  const attention = await model.attention(photos[0]);
  assert.equal(attention.heads, 6);
  assert.equal(attention.values.length, attention.heads * attention.height * attention.width);
  assert.ok(attention.mean.every(value => value > 0) && attention.mean.reduce((a, b) => a + b) < 1);
  const {left, top, width, height} = attention.region;  // the middle square of 640 x 427 pixels
  assert.deepEqual([top, height], [0, 427]);
  assert.ok(Math.abs(left + width / 2 - 320) < 2 && Math.abs(width - 427) < 2, `${left}, ${width}`);
  const turned = join(root, 'tests/data/preprocessing/exif6.jpg');
  const [as, stored] = [await model.classify(turned), await model.classify(turned, {orientation: 'ignore'})];
  assert.deepEqual([as.width, as.height], [stored.height, stored.width]);
});

test('int8 weights', async () => {
  const small = join(root, 'tests/data/checkpoint/tiny-int8/');
  const model = await loaded(small);
  assert.equal(model.info.precision, 'int8');
  const photo = photos[1], float = await loaded(weights), expected = await float.classify(photo);
  const quantised = await loaded(weights, {precision: 'int8'});
  assert.ok(quantised.info.bytes < 0.4 * float.info.bytes);
  const {classes} = await quantised.classify(photo);
  assert.equal(classes[0].label, 'golf ball');
  assert.ok(Math.abs(classes[0].probability - expected.classes[0].probability) < 0.02);
});

test('errors have the library\'s code and text, and the model lives on', async () => {
  const model = await loaded(weights);
  await assert.rejects(model.classify(Buffer.from('GIF89a, cut')), fails('unsupported', /^GIF file/));
  await assert.rejects(model.classify(readFileSync(photos[0]).subarray(0, 20000)), fails('malformed', /./));
  await assert.rejects(model.classify({tensor: new Float32Array(5), channels: 3, height: 1, width: 1}), fails('invalid_argument', /expected channels x height x width/));
  await assert.rejects(model.classify({data: new Uint8ClampedArray(4), width: 1, height: 1, colorSpace: 'display-p3'}), fails('bad_image', /srgb/));
  await assert.rejects(model.classify(7), fails('invalid_argument', /expected a Blob/));
  await assert.rejects(model.classify(null), fails('invalid_argument', /found null/));
  await assert.rejects(model.classify(photos[0], {topK: 0}), fails('invalid_argument', /topK/));
  assert.equal((await model.classify(photos[0])).classes[0].label, 'church');
  await assert.rejects(load(weights, {kernels: 'avx2'}), fails('invalid_argument', /wasm-simd128.*found "avx2"/));
  await assert.rejects(load(weights, {size: 1.5}), fails('invalid_argument', /size: expected a whole number/));
  await assert.rejects(load(weights, {precision: 'f16'}), fails('invalid_argument', /precision/));
  await assert.rejects(load(join(folder, 'none.bin')), fails('io', /none\.bin/));
  await assert.rejects(load(Buffer.alloc(0)), fails('malformed', /./));
  const data = join(root, 'tests/data/field/');
  for (const name of readdirSync(data).filter(name => name.startsWith('refused-')))
    await assert.rejects(load({weights: data + name, config: data + 'config.json'}), error => error instanceof CvtError && error.code !== 'trap');
  await assert.rejects(load(data + 'refused-hostile-system.pth'), fails('unsupported', /nothing was executed/));
  model.close();
  await assert.rejects(model.classify(photos[0]), fails('invalid_argument', /closed/));
});

test('a checkpoint that cannot fit is refused with its size, and the worker lives on', async () => {
  const engine = new Engine(moduleOf('simd128'));
  const huge = {size: 3e9, slice: () => assert.fail('nothing may be read')};
  await assert.rejects(engine.load({weights: {...huge, size: 5e9}, config: '', preprocessor: ''}), fails('out_of_memory', /5000000000 bytes/));
  await assert.rejects(engine.load({weights: {...huge, size: 4294000000}, config: '', preprocessor: ''}), fails('out_of_memory', /4294000000 bytes/));
  const giant = JSON.parse(readFileSync(weights + 'config.json', 'utf8'));  // its weights would take 20 GB
  Object.assign(giant, {embed_dim: [32, 96, 12000], num_heads: [1, 3, 6], depth: [1, 1, 12]});
  await assert.rejects(engine.load({weights: new Uint8Array(readFileSync(weights + 'model.safetensors')), config: JSON.stringify(giant), preprocessor: ''}),
                       error => error instanceof CvtError && error.code !== 'trap');
  const files = {weights: new Uint8Array(readFileSync(weights + 'model.safetensors')), config: readFileSync(weights + 'config.json', 'utf8'), preprocessor: ''};
  assert.equal((await engine.load(files)).classes, 219);
});

test('after a trap the call fails, and the next call has a new worker with the model', async () => {
  const model = await loaded(weights);
  const before = (await model.classify(photos[0])).logits;
  class Lying extends Uint8Array {  // pixels far beyond the module's memory
    get length() {
      return 3 * 20000 * 20000;
    }
  }
  const failures = await Promise.allSettled([model.classify({data: new Lying(3), width: 20000, height: 20000}), model.classify(photos[0])]);
  for (const {reason} of failures) fails('trap', /the module stopped/)(reason);
  assert.deepEqual((await model.classify(photos[0])).logits, before);
});

test('memory does not grow over 100 photos, and a program ends without close()', async () => {
  const model = await loaded(weights);
  const sizes = [];
  for (let i = 0; i < 100; ++i) {
    await model.classify(photos[i % 2], {attention: true});
    sizes.push(model.memoryBytes);
  }
  assert.equal(sizes.at(-1), sizes[1]);
  assert.ok(sizes.at(-1) < 40e6, `${sizes.at(-1)} bytes`);
});

test('the deepest use of the stack', async () => {
  const engine = new Engine(moduleOf('simd128'));
  engine.paintStack();
  const files = readdirSync(join(root, 'tests/data/field/')).filter(name => name.endsWith('.pth')).map(name => join(root, 'tests/data/field/', name));
  const config = readFileSync(join(root, 'tests/data/field/config.json'), 'utf8');
  for (const file of files) await engine.load({weights: new Uint8Array(readFileSync(file)), config, preprocessor: ''}).catch(() => {});
  for (const config of ['['.repeat(100000), '{"a":'.repeat(100000)])
    await assert.rejects(engine.load({weights: new Uint8Array(8), config, preprocessor: ''}), CvtError);
  await engine.load({weights: new Uint8Array(readFileSync(weights + 'model.safetensors')), config: readFileSync(weights + 'config.json', 'utf8'), preprocessor: ''});
  const data = join(root, 'tests/data/preprocessing/');
  for (const name of readdirSync(data).filter(name => /\.(jpg|png)$/.test(name))) {
    try {
      engine.runFile(new Uint8Array(readFileSync(data + name)), true, {...want, embedding: 1, attention: 1});
    } catch (error) {
      assert.ok(error instanceof CvtError);
    }
  }
  const used = engine.usedStack();
  console.log(`stack: ${used} of 1048576 bytes`);
  assert.ok(used > 4096 && used < 512 * 1024, `${used} bytes`);
});

test('each module takes at most 160 KB compressed, and imports only what engine.js offers', () => {
  for (const set of ['simd128', 'relaxed']) {
    const bytes = readFileSync(join(build, `package/cvt-${set}.wasm`)), {length} = gzipSync(bytes, {level: 9});
    console.log(`cvt-${set}.wasm: ${bytes.length} bytes, ${length} compressed`);
    assert.ok(length <= 160000, `${length}`);
    if (set === 'relaxed') continue;  // Node cannot compile it
    const offered = Object.keys(wasi());
    for (const {module, name} of WebAssembly.Module.imports(new WebAssembly.Module(bytes))) {
      assert.equal(module, 'wasi_snapshot_preview1');
      assert.ok(offered.includes(name), name);
    }
  }
});
