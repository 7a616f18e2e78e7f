// CvT image classifiers in browsers and Node: load() starts a worker with the WebAssembly module and returns a model.
import {CvtError} from './engine.js';

export {CvtError};

const inNode = typeof process === 'object' && process.versions?.node !== undefined;
const moduleOf = {'wasm-relaxed': 'cvt-relaxed.wasm', 'wasm-simd128': 'cvt-simd128.wasm'};

/** A module with one relaxed multiply-add. Engines without relaxed vectors refuse it. */
const relaxedProbe = Uint8Array.of(
    0, 0x61, 0x73, 0x6D, 1, 0, 0, 0,                                // magic and version
    1, 8, 1, 0x60, 3, 0x7B, 0x7B, 0x7B, 1, 0x7B,                    // a type: three vectors to one
    3, 2, 1, 0,                                                     // a function of that type
    10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xFD, 0x85, 2, 0x0B);  // its body: f32x4.relaxed_madd

/** Names of the kernel sets that this engine can run, best first. */
export function kernels() {
  return WebAssembly.validate(relaxedProbe) ? ['wasm-relaxed', 'wasm-simd128'] : ['wasm-simd128'];
}

const isUrl = text => /^[a-z][a-z+.-]+:/i.test(text);

/** Reads a URL or, in Node, a path. Returns a Uint8Array; null if `optional` and the file does not exist. */
async function readBytes(where, {optional = false, progress} = {}) {
  if (inNode && !/^(https?|data|blob):/i.test(where)) {
    const {readFile} = await import('node:fs/promises');
    try {
      const bytes = await readFile(isUrl(where) ? new URL(where) : where);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (error) {
      if (optional && error.code === 'ENOENT') return null;
      throw new CvtError('io', `cannot read ${where}: ${error.message}`);
    }
  }
  let response;
  try {
    response = await fetch(where);
  } catch (error) {
    throw new CvtError('io', `cannot fetch ${where}: ${error.message}`);
  }
  if (optional && response.status === 404) return null;
  if (!response.ok) throw new CvtError('io', `cannot fetch ${where}: the server answers ${response.status} ${response.statusText}`);
  if (progress === undefined || response.body === null) return new Uint8Array(await response.arrayBuffer());
  const total = Number(response.headers.get('content-length')) || 0, pieces = [];
  let done = 0;
  for (const reader = response.body.getReader();;) {
    const {value, done: end} = await reader.read();
    if (end) break;
    pieces.push(value);
    progress(done += value.byteLength, total);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

const compiled = new Map();

/** The compiled module of a kernel set, which all models share. */
function moduleFor(set) {
  if (!compiled.has(set)) {
    const url = new URL(moduleOf[set], import.meta.url).href;
    const module = (inNode ? readBytes(url).then(bytes => WebAssembly.compile(bytes))
                           : WebAssembly.compileStreaming(fetch(url)).catch(async () => WebAssembly.compile(await readBytes(url))));
    module.catch(() => compiled.delete(set));
    compiled.set(set, module);
  }
  return compiled.get(set);
}

const isBytes = value => value instanceof ArrayBuffer || ArrayBuffer.isView(value);
const isBlob = value => typeof Blob === 'function' && value instanceof Blob;
const bytesOf = value =>
    value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);

/** A JSON text: from a text, an object, bytes, a Blob or, by URL or path, a file. */
async function jsonText(value, what) {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string' && /^\s*[{[]/.test(value)) return value;
  if (typeof value === 'string' || value instanceof URL) return new TextDecoder().decode(await readBytes(String(value)));
  if (isBlob(value)) return value.text();
  if (isBytes(value)) return new TextDecoder().decode(bytesOf(value));
  if (typeof value === 'object') return JSON.stringify(value);
  throw new CvtError('invalid_argument', `${what}: expected JSON, bytes, a Blob or a URL, found ${typeof value}`);
}

/** The files of a checkpoint, and which of their buffers may move to the worker. */
async function filesOf(source, progress) {
  if (source === null || typeof source !== 'object' && typeof source !== 'string')
    throw new CvtError('invalid_argument', `load: expected bytes, a Blob, a URL or {weights, config, preprocessor}, found ${source === null ? 'null' : typeof source}`);
  const parts = typeof source === 'string' || source instanceof URL || isBlob(source) || isBytes(source) ? {weights: source} : source;
  let {weights, config, preprocessor} = parts;
  const move = [];
  if (typeof weights === 'string' || weights instanceof URL) {
    const where = String(weights);
    if (where.endsWith('/')) {
      [config, preprocessor] = await Promise.all([config ?? readBytes(where + 'config.json', {optional: true}),
                                                  preprocessor ?? readBytes(where + 'preprocessor_config.json', {optional: true})]);
      weights = await readBytes(where + 'model.safetensors', {optional: true, progress}) ??
          await readBytes(where + 'pytorch_model.bin', {progress});
    } else {
      weights = await readBytes(where, {progress});
    }
    move.push(weights.buffer);
  } else if (isBytes(weights)) {
    weights = bytesOf(weights);
  } else if (!isBlob(weights)) {
    throw new CvtError('invalid_argument', `load: expected weights as bytes, a Blob or a URL, found ${typeof weights}`);
  }
  const [configText, preprocessorText] = await Promise.all([jsonText(config, 'config'), jsonText(preprocessor, 'preprocessor')]);
  return {files: {weights, config: configText, preprocessor: preprocessorText}, move};
}

function checkOptions({kernels: wanted, precision, size}) {
  if (wanted !== undefined && !kernels().includes(wanted))
    throw new CvtError('invalid_argument', `kernels: expected one of the kernel sets of this engine (${kernels().join(', ')}), found "${wanted}"`);
  if (precision !== undefined && precision !== 'f32' && precision !== 'int8')
    throw new CvtError('invalid_argument', `precision: expected f32 or int8, found "${precision}"`);
  if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= 1000000))
    throw new CvtError('invalid_argument', `size: expected a whole number from 1 to 1000000, found ${size}`);
}

const isTensor = image => image?.tensor instanceof Float32Array;

/** The message for an input, and what may move to the worker. */
async function inputOf(image, orientation) {
  if (orientation !== 'exif' && orientation !== 'ignore')
    throw new CvtError('invalid_argument', `orientation: expected exif or ignore, found "${orientation}"`);
  const turn = orientation === 'exif';
  if (isBlob(image)) return {file: image, turn};
  if (isBytes(image)) return {file: bytesOf(image), turn};
  if (inNode && typeof image === 'string') return {file: await readBytes(image), turn};
  if (isTensor(image)) {
    const {tensor, channels, height, width} = image;
    if (![channels, height, width].every(n => Number.isInteger(n) && n >= 1 && n < 2 ** 31) || tensor.length !== channels * height * width)
      throw new CvtError('invalid_argument', `tensor: expected channels x height x width values, found ${tensor.length} for ${channels} x ${height} x ${width}`);
    return {tensor: {data: tensor, channels, height, width}};
  }
  if (image?.data instanceof Uint8ClampedArray || image?.data instanceof Uint8Array) {  // ImageData, or pixels of the same form
    const {data, width, height, colorSpace = 'srgb'} = image;
    const channels = data.length / width / height;
    if (colorSpace !== 'srgb') throw new CvtError('bad_image', `image data: expected the colour space srgb, found ${colorSpace}`);
    if (![width, height].every(n => Number.isInteger(n) && n >= 1 && n < 2 ** 31) || ![1, 3, 4].includes(channels))
      throw new CvtError('bad_image', `image data: expected 1, 3 or 4 bytes for each of ${width} x ${height} pixels, found ${data.length} bytes`);
    return {pixels: {data, width, height, channels}};
  }
  if (typeof ImageBitmap === 'function') {
    if (image instanceof ImageBitmap) return {bitmap: image};
    if (typeof image === 'object' && image !== null) {
      try {  // an element: an image, a video, a canvas
        return {bitmap: await createImageBitmap(image, {colorSpaceConversion: 'none', premultiplyAlpha: 'none'})};
      } catch (error) {
        throw new CvtError('bad_image', `image: ${error.message}`);
      }
    }
  }
  throw new CvtError('invalid_argument', `image: expected a Blob, bytes, ImageData, an ImageBitmap or a tensor, found ${image === null ? 'null' : typeof image}`);
}

/** A worker and its unanswered messages. */
class Connection {
  #worker;
  #next = 0;
  #waiting = new Map();
  #failed;

  constructor(worker) {
    this.#worker = worker;
  }

  static async open() {
    const url = new URL('./worker.js', import.meta.url);
    if (!inNode) {
      const worker = new Worker(url, {type: 'module', name: 'cvt'});
      const connection = new Connection(worker);
      worker.onmessage = event => connection.#receive(event.data);
      worker.onerror = event => connection.#fail(new CvtError('internal', `the worker stopped: ${event.message ?? 'it cannot be loaded'}`));
      return connection;
    }
    const threads = await import('node:worker_threads');
    const worker = new threads.Worker(url);
    const connection = new Connection(worker);
    worker.on('message', data => connection.#receive(data));
    worker.on('error', error => connection.#fail(new CvtError('internal', `the worker stopped: ${error.message}`)));
    worker.unref();
    return connection;
  }

  /** Whether the worker was stopped. */
  get failed() {
    return this.#failed !== undefined;
  }

  call(message, move = []) {
    if (this.failed) return Promise.reject(this.#failed);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#worker.postMessage({id, ...message}, move);
      this.#waiting.set(id, {resolve, reject});
      if (inNode) this.#worker.ref();  // a program does not end while it waits
    });
  }

  close(error) {
    this.#fail(error);
  }

  #receive({id, value, error}) {
    const {resolve, reject} = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (inNode && this.#waiting.size === 0) this.#worker.unref();
    if (error === undefined) return resolve(value);
    const problem = new CvtError(error.code, error.message);
    reject(problem);
    if (error.fatal) this.#fail(problem);
  }

  #fail(error) {
    if (this.failed) return;
    this.#failed = error;
    this.#worker.terminate();
    for (const {reject} of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** A loaded model in a worker of its own. */
class Model {
  /** What is known about the model: its classes, its kernels, its precision, warnings. */
  info;
  /** Bytes of the worker's memory after the last call. */
  memoryBytes = 0;
  #source;
  #options;
  #connection;
  #closed = false;

  constructor(source, options) {
    this.#source = source;
    this.#options = options;
  }

  static async load(source, options) {
    checkOptions(options);
    const model = new Model(source, options);
    await model.#connect();
    return model;
  }

  /** The classes, best first, and the logits. With `attention` it also returns what attention() returns, in one pass. */
  async classify(image, {topK = 5, orientation = 'exif', attention = false, embedding = false} = {}) {
    if (!Number.isInteger(topK) || topK < 1) throw new CvtError('invalid_argument', `topK: expected a whole number from 1, found ${topK}`);
    return this.#run(image, orientation, {logits: true, embedding, attention, topK});
  }

  /** The vector before the head. */
  async embed(image, {orientation = 'exif'} = {}) {
    return (await this.#run(image, orientation, {logits: false, embedding: true, attention: false, topK: 0})).embedding;
  }

  /** The class token's attention in the last block, and its place on the picture. */
  async attention(image, {orientation = 'exif'} = {}) {
    return (await this.#run(image, orientation, {logits: false, embedding: false, attention: true, topK: 0})).attention;
  }

  /** Ends the worker and frees its memory. */
  close() {
    this.#closed = true;
    this.#source = undefined;
    this.#connection?.then(c => c.close(new CvtError('invalid_argument', 'the model was closed')), () => {});
  }

  async #run(image, orientation, want) {
    const input = await inputOf(image, orientation);
    if (this.#closed) throw new CvtError('invalid_argument', 'the model was closed');
    if ((await this.#connection).failed) this.#connect();
    const {memoryBytes, ...result} = await (await this.#connection).call({type: 'run', input, want});
    this.memoryBytes = memoryBytes;
    if (result.attention !== undefined) result.attention.mean = meanOfHeads(result.attention);
    return result;
  }

  /** Starts a worker and loads the model in it: at first, and after a trap. */
  #connect() {
    return (this.#connection = this.#start());
  }

  async #start() {
    const {progress, kernels: wanted, ...options} = this.#options;
    const set = wanted ?? kernels()[0];
    const [connection, module, {files, move}] = await Promise.all([Connection.open(), moduleFor(set), filesOf(this.#source, progress)]);
    try {
      const {info, memoryBytes} = await connection.call({type: 'load', module, files, options: {...options, kernels: set}}, move);
      this.info = info;
      this.memoryBytes = memoryBytes;
      return connection;
    } catch (error) {
      connection.close(error);
      throw error;
    }
  }
}

function meanOfHeads({values, heads, height, width}) {
  const mean = new Float32Array(height * width);
  for (let i = 0; i < values.length; ++i) mean[i % mean.length] += values[i] / heads;
  return mean;
}

/** Loads a checkpoint: bytes, a Blob, a URL (in Node also a path) of a file or, with a slash at the end, of a folder, or its files. */
export const load = (source, options = {}) => Model.load(source, options);
