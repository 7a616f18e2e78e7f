// The types of cvt.js.

/** An error of the library. */
export class CvtError extends Error {
  constructor(code: ErrorCode, message: string);
  readonly name: 'CvtError';
  /** A code of the C++ library; `trap` and `internal` mean that the worker stopped. */
  readonly code: ErrorCode;
}

export type ErrorCode = 'invalid_argument' | 'out_of_memory' | 'io' | 'malformed' | 'unsupported' | 'bad_config' | 'mismatch' | 'bad_image' | 'trap' | 'internal';

export type Kernels = 'wasm-relaxed' | 'wasm-simd128';

/** Names of the kernel sets that this engine can run, best first. */
export function kernels(): Kernels[];

export type Bytes = ArrayBuffer | ArrayBufferView;

/** JSON: a text, an object, bytes, a Blob, or the URL (in Node also the path) of a file. */
export type Json = string | URL | Bytes | Blob | object;

/** A checkpoint: its bytes, its URL (in Node also its path), or its files. A URL with a slash at the end is a Hugging Face folder. */
export type Source = Bytes | Blob | string | URL | {
  weights: Bytes | Blob | string | URL;
  config?: Json;
  preprocessor?: Json;
};

export interface LoadOptions {
  /** Default: the first of kernels(). */
  kernels?: Kernels;
  /** Element type of the weights in memory. Default: that of the file. */
  precision?: 'f32' | 'int8';
  /** Side of the model's inputs, in pixels. Default: the checkpoint's. */
  size?: number;
  /** Selects one of several weight sets in a file, as load_options::weights_key of the C++ library. */
  weightsKey?: string;
  /** Called while weights are fetched, with the number of bytes so far and in total (0 if unknown). */
  progress?: (bytes: number, total: number) => void;
}

export interface ModelInfo {
  /** "CvT-13", "CvT-21", "CvT-W24" or "custom". */
  variant: string;
  /** The file format: "safetensors", "torch zip", ... */
  container: string;
  /** The tensors' names: "official" or "transformers". */
  naming: string;
  activation: 'quick' | 'erf';
  activationFrom: string;
  kernels: Kernels;
  precision: 'f32' | 'int8';
  /** What `probability` is: a probability, an independent sigmoid, or the logit itself. */
  scores: 'probability' | 'sigmoid' | 'value';
  parameters: number;
  /** Of the weights in memory. */
  bytes: number;
  channels: number;
  /** Number of classes; 0 for a model without a head. */
  classes: number;
  /** Number of values of an embedding. */
  embedding: number;
  /** Whether the model has a class token, whose attention can be returned. */
  hasAttention: boolean;
  /** Size of the inputs; null if it depends on the image. */
  input: {height: number, width: number}|null;
  /** A name for each class, "" where the checkpoint has none. */
  labels: string[];
  warnings: string[];
}

/** 8-bit pixels: ImageData, or an object of that form with 1, 3 or 4 bytes per pixel. */
export interface Pixels {
  data: Uint8ClampedArray | Uint8Array;
  width: number;
  height: number;
}

/** A normalised input, (channels, height, width). */
export interface Tensor {
  tensor: Float32Array;
  channels: number;
  height: number;
  width: number;
}

/** A picture file (Blob, bytes; in Node also a path), pixels, a tensor; in browsers also an ImageBitmap, or an element that has pixels. */
export type Image = Blob | Bytes | Pixels | Tensor | string | ImageBitmapSource;

export interface ImageOptions {
  /** Whether a picture file is turned as its EXIF tag says. Default: exif. */
  orientation?: 'exif' | 'ignore';
}

export interface ClassifyOptions extends ImageOptions {
  /** Default: 5. */
  topK?: number;
  /** Also returns the attention, from the same pass. */
  attention?: boolean;
  /** Also returns the embedding, from the same pass. */
  embedding?: boolean;
}

export interface RankedClass {
  index: number;
  /** "" if the checkpoint has no name for the class. */
  label: string;
  probability: number;
}

export interface Attention {
  /** (heads, height, width): attention of the class token to the key grid in the last block. */
  values: Float32Array;
  /** (height, width): the mean of the heads. */
  mean: Float32Array;
  heads: number;
  height: number;
  width: number;
  /** The part of the image that became the input, in the image's pixels. */
  region: {left: number, top: number, width: number, height: number};
  /** Size of the input. */
  input: {height: number, width: number};
  /** Key i of a row or column is at firstKey + i * keyStep, in pixels of the input. */
  firstKey: number;
  keyStep: number;
}

export interface Result {
  /** The most likely classes, best first. */
  classes: RankedClass[];
  logits: Float32Array;
  /** Size of the image; 0 for a tensor. */
  width: number;
  height: number;
  /** Time to decode the picture, and to preprocess it and run the model. */
  milliseconds: {decode: number, run: number};
  attention?: Attention;
  embedding?: Float32Array;
}

/** A loaded model, in a worker of its own. Calls are answered one after the other. */
export interface Model {
  readonly info: ModelInfo;
  /** Bytes of the worker's WebAssembly memory. */
  readonly memoryBytes: number;
  classify(image: Image, options?: ClassifyOptions): Promise<Result>;
  /** The vector before the head. */
  embed(image: Image, options?: ImageOptions): Promise<Float32Array>;
  attention(image: Image, options?: ImageOptions): Promise<Attention>;
  /** Ends the worker and frees its memory. */
  close(): void;
}

/** Loads a checkpoint in a new worker. Rejects with a CvtError. */
export function load(source: Source, options?: LoadOptions): Promise<Model>;
