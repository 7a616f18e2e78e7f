// What the JavaScript tests share: paths, models with generated weights, .npy files, differences.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const build = join(root, 'build/wasm');
/** The native program that decodes with stb_image, as the module does. */
export const classify = join(root, 'build/stb/classify');

/** Values in [-1, 1) by the formula of tests/golden/cvt_reference.py: splitmix64 of FNV-1a-64 of the name plus the index. */
export function hashUniform(name, count, seed = 0n) {
  const mask = 2n ** 64n - 1n;
  let hash = 0xCBF29CE484222325n;
  for (const byte of new TextEncoder().encode(name)) hash = (hash ^ BigInt(byte)) * 0x100000001B3n & mask;
  const start = hash + BigInt(seed) + 0x9E3779B97F4A7C15n & mask;
  let high = Number(start >> 32n), low = Number(start & 0xFFFFFFFFn);
  const values = new Float32Array(count);
  for (let i = 0; i < count; ++i) {  // 64-bit arithmetic on halves, because BigInt is slow
    let h = high, l = low;
    l = (l ^ (l >>> 30 | h << 2)) >>> 0, h = (h ^ h >>> 30) >>> 0;
    [h, l] = product(h, l, 0xBF58476D, 0x1CE4E5B9);
    l = (l ^ (l >>> 27 | h << 5)) >>> 0, h = (h ^ h >>> 27) >>> 0;
    [h, l] = product(h, l, 0x94D049BB, 0x133111EB);
    h = (h ^ h >>> 31) >>> 0;
    values[i] = (h >>> 8) / 2 ** 23 - 1;
    low = low + 1 >>> 0;
    if (low === 0) high = high + 1 >>> 0;
  }
  return values;
}

function product(ah, al, bh, bl) {
  const a0 = al & 0xFFFF, a1 = al >>> 16, b0 = bl & 0xFFFF, b1 = bl >>> 16;
  const p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  const middle = (p00 >>> 16) + (p01 & 0xFFFF) + (p10 & 0xFFFF);
  const carry = p11 + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16);
  return [carry + Math.imul(ah, bl) + Math.imul(al, bh) >>> 0, (middle << 16 | p00 & 0xFFFF) >>> 0];
}

const depths = {'cvt-13': [1, 2, 10], 'cvt-w24': [2, 2, 20]};
const widths = {'cvt-13': [64, 192, 384], 'cvt-w24': [192, 768, 1024]};

const valuesOf = shape => shape.reduce((a, b) => a * b);

/** Names and shapes of the official checkpoint of a variant. */
function shapesOf(variant) {
  const shapes = new Map(), dims = widths[variant];
  depths[variant].forEach((depth, i) => {
    const d = dims[i], s = `stage${i}.`, patch = [7, 3, 3][i], previous = i === 0 ? 3 : dims[i - 1];
    if (i === 2) shapes.set(s + 'cls_token', [1, 1, d]);
    shapes.set(s + 'patch_embed.proj.weight', [d, previous, patch, patch]);
    for (const name of ['proj.bias', 'norm.weight', 'norm.bias']) shapes.set(s + 'patch_embed.' + name, [d]);
    for (let j = 0; j < depth; ++j) {
      const b = `${s}blocks.${j}.`;
      for (const name of ['norm1.weight', 'norm1.bias', 'norm2.weight', 'norm2.bias', 'attn.proj.bias', 'mlp.fc2.bias']) shapes.set(b + name, [d]);
      for (const w of 'qkv') {
        shapes.set(`${b}attn.conv_proj_${w}.conv.weight`, [d, 1, 3, 3]);
        for (const name of ['weight', 'bias', 'running_mean', 'running_var']) shapes.set(`${b}attn.conv_proj_${w}.bn.${name}`, [d]);
        shapes.set(`${b}attn.proj_${w}.weight`, [d, d]).set(`${b}attn.proj_${w}.bias`, [d]);
      }
      shapes.set(b + 'attn.proj.weight', [d, d]).set(b + 'mlp.fc1.weight', [4 * d, d]).set(b + 'mlp.fc1.bias', [4 * d]);
      shapes.set(b + 'mlp.fc2.weight', [d, 4 * d]);
    }
  });
  return shapes.set('norm.weight', [dims[2]]).set('norm.bias', [dims[2]]).set('head.weight', [1000, dims[2]]).set('head.bias', [1000]);
}

function formulaTensor(name, shape) {
  const values = hashUniform(name, valuesOf(shape));
  const [offset, gain] = name.endsWith('running_var')                  ? [1, 0.5]
      : /(bias|running_mean|cls_token)$/.test(name)                    ? [0, 0.125]
      : shape.length === 1                                             ? [1, 0.125]
      : [0, Math.fround(1.75 / Math.fround(Math.sqrt(valuesOf(shape.slice(1)))))];
  return values.map(u => offset + Math.fround(u * gain));
}

/** The first bytes of a safetensors file, and the size of the whole. */
function safetensorsHeader(shapes) {
  const header = {};
  let size = 0;
  for (const [name, shape] of shapes) header[name] = {dtype: 'F32', shape, data_offsets: [size, size += 4 * valuesOf(shape)]};
  const text = JSON.stringify(header), padded = text + ' '.repeat(-text.length & 7);
  const head = Buffer.alloc(8 + padded.length, padded);
  head.writeBigUInt64LE(BigInt(padded.length));
  head.write(padded, 8);
  return {head, size: head.length + size};
}

/** A checkpoint of a published variant with generated weights, as bytes. */
export function formulaCheckpoint(variant) {
  const shapes = shapesOf(variant), {head} = safetensorsHeader(shapes);
  const tensors = [...shapes].map(([name, shape]) => Buffer.from(formulaTensor(name, shape).buffer));
  return Buffer.concat([head, ...tensors]);
}

/** Writes a checkpoint whose weights are zeros, which take no room on the disk. */
export function writeZeros(path, variant) {
  const {head, size} = safetensorsHeader(shapesOf(variant));
  writeFileSync(path, head);
  truncateSync(path, size);
}

/** A normalised image (3, size, size) for `model.classify`. */
export const formulaImage = (height, width = height) => ({tensor: hashUniform('image', 3 * height * width), channels: 3, height, width});

/** The values of a .npy file of float32 or float64. */
export function readNpy(path) {
  const file = readFileSync(path), start = 10 + file.readUInt16LE(8), header = file.toString('latin1', 10, start);
  const bytes = file.buffer.slice(file.byteOffset + start, file.byteOffset + file.length);
  return header.includes("'<f8'") ? new Float64Array(bytes) : new Float32Array(bytes);
}

export function writeNpy(path, values, shape) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`.padEnd(117) + '\n';
  const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${header}`, 'latin1');
  head.writeUInt16LE(header.length, 8);
  writeFileSync(path, Buffer.concat([head, Buffer.from(values.buffer, values.byteOffset, values.byteLength)]));
}

/** The largest difference; infinite if the sizes differ or a value is not a number. */
export function difference(a, b) {
  if (a.length !== b.length || a.length === 0) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; ++i) worst = Math.abs(a[i] - b[i]) <= worst ? worst : Math.abs(a[i] - b[i]) || Infinity * (a[i] !== b[i]);
  return worst;
}

/** A folder that is removed when the process ends. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'cvt-js-'));
  process.on('exit', () => rmSync(folder, {recursive: true, force: true}));
  return folder;
}

/** What the native program prints, and its logits. */
export function native(args, folder) {
  const logits = join(folder, 'native.npy');
  const text = execFileSync(classify, ['--kernels', 'sse2', '--format', 'jsonl', '--logits', logits, ...args], {encoding: 'utf8'});
  return {records: text.trim().split('\n').map(line => JSON.parse(line)), logits: readNpy(logits)};
}
