// The package as a user gets it: npm pack, an installation in an empty folder, the README's code, the types.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {cpSync, existsSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {before, test} from 'node:test';

import {build, native, root, temporaryFolder} from './support.mjs';

const folder = temporaryFolder(), pack = join(build, 'package');
const run = (...command) => execFileSync(command[0], command.slice(1), {cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']});

before(() => {
  const [{filename}] = JSON.parse(run('npm', 'pack', pack, '--json', '--silent'));
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  run('npm', 'install', '--offline', '--no-audit', '--no-fund', '--silent', join(folder, filename));
  symlinkSync(join(root, 'weights'), join(folder, 'cvt-13'));
  cpSync(join(root, 'examples/images/coffee.jpg'), join(folder, 'photo.jpg'));
});

test('the README\'s code prints the classes', () => {
  const [, code] = /```js\n([^]*?)```/.exec(readFileSync(join(pack, 'README.md'), 'utf8'));
  writeFileSync(join(folder, 'readme.js'), code);
  const lines = run(process.execPath, 'readme.js').trim().split('\n');
  const [{top}] = native([join(folder, 'photo.jpg')], folder).records;
  assert.deepEqual(lines.slice(0, 5), top.map(c => `${(100 * c.probability).toFixed(1)} %  ${c.label}`));
  assert.match(lines[0], /^9\d\.\d %  espresso$/);
  assert.match(lines[5], /^wasm-(simd128|relaxed), \d+ ms$/);
});

test('the package contains its files and nothing else', () => {
  const installed = join(folder, 'node_modules/cvt-classifier');
  for (const name of ['cvt.js', 'cvt.d.ts', 'engine.js', 'worker.js', 'cvt-simd128.wasm', 'cvt-relaxed.wasm', 'README.md', 'LICENSE', 'package.json'])
    assert.ok(existsSync(join(installed, name)), name);
  const {version, dependencies} = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  assert.equal(dependencies, undefined);
  assert.match(readFileSync(join(root, 'include/cvt/version.hpp'), 'utf8'), new RegExp(`CVT_VERSION_STRING "${version}"`));
});

test('the types fit the code', () => {
  writeFileSync(join(folder, 'types.ts'), `
import {CvtError, kernels, load, type Model, type Result} from 'cvt-classifier';
const model: Model = await load({weights: new Uint8Array(8), config: {depth: [1]}}, {kernels: kernels()[0], precision: 'int8', size: 224, progress: (a, b) => a / b});
const result: Result = await model.classify(new Blob([]), {topK: 3, attention: true, orientation: 'ignore'});
const labels: string[] = result.classes.map(c => c.label), mean: Float32Array|undefined = result.attention?.mean;
const embedding: Float32Array = await model.embed({data: new Uint8ClampedArray(4), width: 1, height: 1});
await model.attention({tensor: new Float32Array(3), channels: 3, height: 1, width: 1});
try { model.close(); } catch (e) { if (e instanceof CvtError && e.code === 'trap') throw e; }
// @ts-expect-error
await load(7);
// @ts-expect-error
await model.classify(new Blob([]), {topk: 3});
export {labels, mean, embedding};
`);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(
      {compilerOptions: {noEmit: true, strict: true, target: 'es2022', module: 'nodenext', lib: ['es2022', 'dom'], types: []}, files: ['types.ts']}));
  run(process.execPath, join(build, 'npm/node_modules/typescript/bin/tsc'), '--project', 'tsconfig.json');
});
