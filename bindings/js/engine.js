// One instance of the WebAssembly module: its memory, the few WASI functions that it imports, and calls of module.cpp.

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const addressSpace = 2 ** 32;
const chunk = 16 * 2 ** 20;  // of a file that is copied into the module's memory

/** An error of the library: `code` is one of cvt::errc's names, `message` the library's text. */
export class CvtError extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'CvtError';
    this.code = code;
  }
}

/** What libc asks of its host, for modules of cvt and of its tests. The module opens no file; what it prints is its last words before a trap. */
export function wasi(memory, said) {
  const view = () => new DataView(memory().buffer);
  const badDescriptor = () => 8;
  return {
    environ_sizes_get(count, size) {
      view().setUint32(count, 0, true);
      view().setUint32(size, 0, true);
      return 0;
    },
    environ_get: () => 0,
    fd_write(descriptor, pieces, count, written) {
      let total = 0;
      for (let i = 0; i < count; ++i) {
        const address = view().getUint32(pieces + 8 * i, true), length = view().getUint32(pieces + 8 * i + 4, true);
        said(decoder.decode(new Uint8Array(memory().buffer, address, length)));
        total += length;
      }
      view().setUint32(written, total, true);
      return 0;
    },
    fd_close: badDescriptor,
    fd_fdstat_get: badDescriptor,
    fd_seek: badDescriptor,
    proc_exit(status) {
      throw new WebAssembly.RuntimeError(`exit with status ${status}`);
    },
  };
}

/** Reads part of a file: a Uint8Array or a Blob. */
async function read(file, begin, end) {
  return file instanceof Uint8Array ? file.subarray(begin, end) : new Uint8Array(await file.slice(begin, end).arrayBuffer());
}

const sizeOf = file => (file instanceof Uint8Array ? file.byteLength : file.size);

export class Engine {
  #exports;
  #said = '';

  constructor(module) {
    const imports = wasi(() => this.#exports.memory, text => (this.#said += text));
    this.#exports = new WebAssembly.Instance(module, {wasi_snapshot_preview1: imports}).exports;
    this.#exports._initialize();
  }

  /** What the module printed; empty unless it aborted. */
  get said() {
    return this.#said.trim();
  }

  /** Bytes of the instance's memory, which never shrinks. */
  get memoryBytes() {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Loads a checkpoint and describes it. `files`: weights (Uint8Array or Blob), config and preprocessor (texts, may be empty). */
  async load(files, {kernels = '', weightsKey = '', precision = '', size = 0} = {}) {
    const e = this.#exports;
    const bytes = sizeOf(files.weights);
    const strings = [files.config, files.preprocessor, kernels, weightsKey].map(text => this.#putText(text));
    let weights = 0;
    try {
      weights = this.#allocate(bytes, 'weights file');
      for (let at = 0; at < bytes; at += chunk) this.#bytes(weights + at, await read(files.weights, at, Math.min(at + chunk, bytes)));
      this.#check(e.load(weights, bytes, ...strings, {f32: 1, int8: 2}[precision] ?? 0, size));
    } finally {
      for (const address of [weights, ...strings]) if (address !== 0) e.release(address);
    }
    return JSON.parse(this.#text(e.describe()));
  }

  /** Runs the model on a picture file's bytes, which the module decodes. */
  runFile(file, turn, want) {
    return this.#with(file, 'picture file', address => {
      const begin = performance.now();
      this.#check(this.#exports.decode(address, file.byteLength, turn ? 1 : 0));
      return this.#run(want, performance.now() - begin);
    });
  }

  /** The picture that runFile() decoded last, (height, width, 3). */
  picture() {
    const e = this.#exports, width = e.picture_width(), height = e.picture_height();
    return {data: new Uint8Array(e.memory.buffer, e.picture_pixels() >>> 0, 3 * width * height).slice(), width, height};
  }

  /** Runs the model on 8-bit pixels, (height, width, channels). */
  runPixels({data, width, height, channels}, want) {
    return this.#with(data, 'pixels', address => {
      this.#exports.use_pixels(address, width, height, channels);
      return this.#run(want, 0);
    });
  }

  /** Runs the model on a normalised tensor, (channels, height, width). */
  runTensor({data, channels, height, width}, want) {
    return this.#with(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 'tensor', address => {
      this.#exports.use_tensor(address, channels, height, width);
      return this.#run(want, 0);
    });
  }

  /** The bytes of the call stack that were ever used. Tests paint the stack by paintStack() first. */
  usedStack() {
    const stack = new Uint8Array(this.#exports.memory.buffer, 0, this.#exports.__stack_high.value);
    return stack.length - stack.findIndex(byte => byte !== 0xA5);
  }
  paintStack() {
    new Uint8Array(this.#exports.memory.buffer, 0, this.#exports.__stack_high.value).fill(0xA5);
  }

  #run({logits, embedding, attention, topK}, decode) {
    const e = this.#exports;
    const begin = performance.now();
    this.#check(e.run(logits, embedding, attention, topK));
    const milliseconds = {decode, run: performance.now() - begin};
    const s = JSON.parse(this.#text(e.summary()));
    const result = {classes: s.classes, width: s.width, height: s.height, milliseconds};
    if (logits) result.logits = this.#floats(e.logits(), e.logits_size());
    if (embedding) result.embedding = this.#floats(e.embedding(), e.embedding_size());
    if (attention) {
      result.attention = {
        values: this.#floats(e.attention(), e.attention_size()),
        heads: s.heads,
        height: s.keysHeight,
        width: s.keysWidth,
        region: {left: s.left, top: s.top, width: s.seenWidth, height: s.seenHeight},
        input: {height: s.inputHeight, width: s.inputWidth},
        firstKey: s.firstKey,
        keyStep: s.keyStep,
      };
    }
    return result;
  }

  #with(bytes, what, use) {
    const address = this.#allocate(bytes.byteLength, what);
    try {
      this.#bytes(address, bytes);
      return use(address);
    } finally {
      this.#exports.release(address);
    }
  }

  #allocate(bytes, what) {
    const address = bytes < addressSpace ? this.#exports.allocate(bytes) >>> 0 : 0;
    if (address === 0)
      throw new CvtError('out_of_memory', `out of memory: the ${what} needs ${bytes} bytes beside ${this.memoryBytes} in use; ` +
                                              `WebAssembly has ${addressSpace}`);
    return address;
  }

  #check(ok) {
    if (ok !== 0) return;
    throw new CvtError(this.#text(this.#exports.error_code()), this.#text(this.#exports.error_text()));
  }

  #bytes(address, bytes) {
    new Uint8Array(this.#exports.memory.buffer, address, bytes.byteLength).set(bytes);
  }

  #putText(text) {
    const bytes = encoder.encode(text);
    const address = this.#allocate(bytes.length + 1, 'text');
    this.#bytes(address, bytes);
    new Uint8Array(this.#exports.memory.buffer)[address + bytes.length] = 0;
    return address;
  }

  #text(address) {
    address >>>= 0;
    if (address === 0) throw new CvtError(this.#text(this.#exports.error_code()), this.#text(this.#exports.error_text()));
    const memory = new Uint8Array(this.#exports.memory.buffer);
    return decoder.decode(memory.subarray(address, memory.indexOf(0, address)));
  }

  #floats(address, count) {
    return new Float32Array(this.#exports.memory.buffer, address >>> 0, count).slice();
  }
}
