// Draws the class token's attention over a photo, as `classify --attention` does.

/** Lightness, chroma and hue (Ottosson's OKLCh) to sRGB; null if no display shows it. */
function fromOklch(lightness, chroma, degrees) {
  const hue = degrees * Math.PI / 180, a = chroma * Math.cos(hue), b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3, m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
        s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3;
  const linear = [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                  -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s];
  if (linear.some(v => v < 0 || v > 1)) return null;
  return linear.map(v => Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055)));
}

/** 256 colours from dark violet over red to light yellow; lightness rises evenly. */
const ramp = Array.from({length: 256}, (_, i) => {
  const value = i / 255;
  for (let chroma = 0.19;; chroma = Math.max(0, chroma - 0.002)) {
    const colour = fromOklch(0.28 + 0.66 * value, chroma, -70 + 172 * value);
    if (colour !== null) return colour;
  }
});

/** The four keys beside a position, and their weights (cubic convolution); null outside the input. */
function place(position, length, key) {
  if (position < 0 || position > length) return null;
  const at = Math.min(Math.max((position - key.first) / key.step, 0), key.count - 1), first = Math.floor(at), t = at - first;
  return {
    keys: [-1, 0, 1, 2].map(i => Math.min(Math.max(first + i, 0), key.count - 1)),
    weights: [(-t + 2 * t * t - t ** 3) / 2, (2 - 5 * t * t + 3 * t ** 3) / 2, (t + 4 * t * t - 3 * t ** 3) / 2, (-t * t + t ** 3) / 2],
  };
}

const sumOf = (p, at) => p.weights[0] * at(p.keys[0]) + p.weights[1] * at(p.keys[1]) + p.weights[2] * at(p.keys[2]) + p.weights[3] * at(p.keys[3]);

/** Blends the attention over `pixels`, the photo at any scale; `scale` is its size divided by the photo's. */
export function blend(pixels, scale, attention) {
  const {mean, region, input, firstKey, keyStep} = attention;
  const largest = mean.reduce((a, b) => Math.max(a, b), 0) || 1;
  const places = (count, begin, extent, side, keys) => Array.from(
      {length: count}, (_, i) => place(((i + 0.5) / scale - begin) * side / extent, side, {first: firstKey, step: keyStep, count: keys}));
  const columns = places(pixels.width, region.left, region.width, input.width, attention.width);
  const rows = places(pixels.height, region.top, region.height, input.height, attention.height);
  const {data} = pixels, line = new Float64Array(attention.width);
  let at = 0;
  for (const row of rows) {
    if (row !== null) for (let x = 0; x < line.length; ++x) line[x] = sumOf(row, y => mean[y * line.length + x]) / largest;
    for (const column of columns) {
      const grey = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
      if (row === null || column === null) {  // not seen by the model
        for (let c = 0; c < 3; ++c) data[at + c] = 0.25 * grey + 0.1 * data[at + c];
      } else {
        const heat = Math.min(Math.max(sumOf(column, x => line[x]), 0), 1), alpha = 0.7 * heat * (2 - heat), colour = ramp[Math.round(255 * heat)];
        for (let c = 0; c < 3; ++c) data[at + c] = (1 - alpha) * 0.8 * (0.4 * grey + 0.6 * data[at + c]) + alpha * colour[c];
      }
      at += 4;
    }
  }
}
