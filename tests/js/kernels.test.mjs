// Every kernel of wasm-simd128 against float64 definitions: the test cases of kernel_sets_test.cpp, and of wasm-relaxed where Node has it.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';

import {wasi} from '../../build/wasm/package/engine.js';
import {kernels} from '../../build/wasm/package/cvt.js';
import {build} from './support.mjs';

for (const set of ['simd128', 'relaxed']) {
  test(`kernels of wasm-${set}`, {skip: kernels().includes(`wasm-${set}`) ? false : 'this Node has no relaxed vectors'}, () => {
    const module = new WebAssembly.Module(readFileSync(join(build, `tests/kernels-${set}.wasm`)));
    let output = '', exports;
    exports = new WebAssembly.Instance(module, {wasi_snapshot_preview1: wasi(() => exports.memory, text => (output += text))}).exports;
    exports._initialize();
    let failed = 'a trap';
    try {
      failed = exports.run_cases();
    } finally {
      assert.equal(failed, 0, output);
    }
    assert.match(output, /ok: depthwise[^]*\d{4,} checks, 0 failed/);
  });
}
