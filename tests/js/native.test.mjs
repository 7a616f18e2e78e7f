// The module compared with the native program that decodes with stb_image and runs the kernels sse2: the same bits.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {test} from 'node:test';

import {load} from '../../build/wasm/package/cvt.js';
import {classify, formulaCheckpoint, formulaImage, native, root, temporaryFolder, writeNpy, writeZeros} from './support.mjs';

const photos = ['berlin_cathedral.jpg', 'golf_ball.png'].map(name => join(root, 'examples/images', name));
const folder = temporaryFolder();

test('every JPEG and PNG of the tests is decoded to the pixels of the native program, or refused with its error', async () => {
  const data = join(root, 'tests/data/preprocessing/');
  const pictures = readdirSync(data).filter(name => /\.(jpg|png)$/.test(name)).map(name => data + name);
  const model = await load(join(root, 'weights/'), {kernels: 'wasm-simd128'});
  const {records, logits} = native([...photos, ...pictures], folder);
  assert.ok(records.length > 30);
  let refused = 0;
  for (const [i, record] of records.entries()) {
    const file = readFileSync(record.path);
    if (record.error !== undefined) {
      ++refused;
      await assert.rejects(model.classify(file), error => (assert.equal(error.message, record.error.message), true));
      continue;
    }
    const result = await model.classify(file);
    assert.deepEqual(result.logits, logits.slice(219 * i, 219 * i + 219), record.path);
    assert.deepEqual(result.classes.map(c => c.label), record.top.map(c => c.label));
  }
  console.log(`${records.length} pictures, ${refused} refused`);
  model.close();
});

test('CvT-13 with generated weights gives the logits of the native program', async () => {
  const file = join(folder, 'cvt-13.safetensors'), input = join(folder, 'image.npy'), image = formulaImage(224);
  writeFileSync(file, formulaCheckpoint('cvt-13'));
  writeNpy(input, image.tensor, [1, 3, 224, 224]);
  const model = await load(file, {kernels: 'wasm-simd128'});
  assert.deepEqual((await model.classify(image)).logits, native(['--model', file, '--input', input], folder).logits);
  model.close();
});

test('a model that --learn wrote gives the logits of the native program', async () => {
  const learned = join(folder, 'learned/');
  for (const [i, name] of ['church', 'ball'].entries()) {
    mkdirSync(join(folder, 'photos', name), {recursive: true});
    copyFileSync(photos[i], join(folder, 'photos', name, basename(photos[i])));
  }
  execFileSync(classify, ['--learn', join(folder, 'photos'), '--method', 'prototype', '--convert', learned]);
  const model = await load(learned, {kernels: 'wasm-simd128'}), {records, logits} = native(['--model', learned, ...photos], folder);
  for (const [i, photo] of photos.entries()) {
    const result = await model.classify(readFileSync(photo));
    assert.deepEqual(result.logits, logits.slice(2 * i, 2 * i + 2));
    assert.equal(result.classes[0].label, ['church', 'ball'][i]);
    assert.equal(records[i].top[0].label, ['church', 'ball'][i]);
  }
  model.close();
});

test('CvT-W24 fits into 4 GiB', async () => {
  const file = join(folder, 'cvt-w24.safetensors');
  writeZeros(file, 'cvt-w24');
  const model = await load(file);
  assert.equal(model.info.variant, 'CvT-W24');
  const {logits} = await model.classify(formulaImage(384));
  assert.ok(logits.every(value => value === 0));
  console.log(`CvT-W24: ${model.memoryBytes} bytes`);
  assert.ok(model.memoryBytes < 2.5e9);
  model.close();
});
