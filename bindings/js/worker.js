// The worker of a model: owns its Engine and answers messages, one after the other. It has no network code.
import {CvtError, Engine} from './engine.js';

let engine;
let queue = Promise.resolve();

/** Pixels of an ImageBitmap. The canvas stores them multiplied with alpha. */
function pixelsOf(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0);
  const {data, width, height} = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return {data, width, height, channels: 4};
}

/** Runs a picture file: JPEG, PNG, BMP and PNM in the module, other formats through the browser. */
async function runFile(file, turn, want) {
  const bytes = file instanceof Uint8Array ? file : new Uint8Array(await file.arrayBuffer());
  try {
    return engine.runFile(bytes, turn, want);
  } catch (error) {
    if (error.code !== 'unsupported' || typeof createImageBitmap !== 'function') throw error;
    const begin = performance.now();
    let bitmap;
    try {
      bitmap = await createImageBitmap(new Blob([bytes]),
                                       {colorSpaceConversion: 'none', premultiplyAlpha: 'none', imageOrientation: turn ? 'from-image' : 'none'});
    } catch {
      throw new CvtError('unsupported', `${error.message.replace(/: this program was built without .*/, '')}: the browser cannot decode it, either`);
    }
    const pixels = pixelsOf(bitmap);
    bitmap.close();
    const decode = performance.now() - begin;
    const result = engine.runPixels(pixels, want);
    result.milliseconds.decode = decode;
    return result;
  }
}

async function answer({type, module, files, options, input, want}) {
  if (type === 'load') {
    engine = new Engine(module);
    return {info: await engine.load(files, options), memoryBytes: engine.memoryBytes};
  }
  const result = input.file !== undefined ? await runFile(input.file, input.turn, want)
      : input.bitmap !== undefined        ? engine.runPixels(pixelsOf(input.bitmap), want)
      : input.tensor !== undefined        ? engine.runTensor(input.tensor, want)
                                          : engine.runPixels(input.pixels, want);
  return {...result, memoryBytes: engine.memoryBytes};
}

/** An error as a plain object. After a trap the instance must not be used any more. */
function describe(error) {
  const trapped = error instanceof WebAssembly.RuntimeError || (error instanceof RangeError && !(error instanceof CvtError));
  const said = trapped && engine !== undefined ? engine.said : '';
  return {
    code: error instanceof CvtError ? error.code : trapped ? 'trap' : 'internal',
    message: trapped ? `the module stopped: ${said || error.message}` : error.message,
    fatal: trapped,
  };
}

function serve(post) {
  return message => {
    queue = queue.then(() => answer(message)).then(value => post({id: message.id, value}), error => post({id: message.id, error: describe(error)}));
  };
}

if (typeof process === 'object' && process.versions?.node !== undefined) {
  const {parentPort} = await import('node:worker_threads');
  parentPort.on('message', serve(message => parentPort.postMessage(message)));
} else {
  const handle = serve(message => postMessage(message));
  addEventListener('message', event => handle(event.data));
}
