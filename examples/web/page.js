// The page's behaviour: photos come in, classes and the glow go out; a dropped checkpoint replaces the model.
import {kernels, load} from './cvt/cvt.js';
import {blend} from './glow.js';

const $ = id => document.getElementById(id);
const stage = $('stage'), photo = $('photo'), glow = $('glow'), video = $('video');
const longestSide = 960;  // of the photo on the page

const builtIn = {name: 'built-in model: 219 classes', source: 'model/'};
let chosen = builtIn;
let model;      // a promise of the loaded model
let picture;    // the photo that is shown: {image, name}
let photos = 0, models = 0;  // the number of the newest photo and of the newest model; results of older ones are dropped

// ---- texts

const megabytes = bytes => bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
const percent = share => `${(100 * share).toFixed(1)} %`;
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

function showError(error) {
  $('error').textContent = error.message;
  $('error').hidden = false;
}

const clearError = () => ($('error').hidden = true);

// ---- the model

async function open({source}) {
  const set = $('kernels').value;
  $('timing').textContent = 'Loading the model …';
  return load(source, {kernels: set, progress: (done, total) => {
    $('timing').textContent = `Loading the model: ${megabytes(done)}${total > done ? ` of ${megabytes(total)}` : ''}`;
  }});
}

function describe(info) {
  const rows = [
    ['Model', info.variant === 'custom' ? chosen.name : `${info.variant}, ${chosen.name}`],
    ['Weights', `${info.parameters.toLocaleString('en')} as ${info.precision}, ${megabytes(info.bytes)}`],
    ['Input', info.input === null ? 'as large as the photo' : `${info.input.width} × ${info.input.height}`],
    ['Kernels', info.kernels],
    ...info.warnings.map(text => ['Warning', text]),
  ];
  $('model').replaceChildren(...rows.flatMap(([name, value]) => [element('dt', {textContent: name}), element('dd', {textContent: value})]));
  $('builtin').hidden = chosen === builtIn;
  $('kernels-note').textContent = info.kernels === 'wasm-relaxed'
      ? 'wasm-relaxed leaves the rounding of some operations to the browser: the last digits may differ elsewhere.'
      : 'wasm-simd128 gives the same bits in every browser.';
}

/** Loads another model. If that fails, the previous one stays. */
async function use(next) {
  const before = model, said = $('timing').textContent, mine = ++models;
  clearError();
  try {
    const opened = await open(next);
    if (mine !== models) return opened.close();
    chosen = next;
    model = Promise.resolve(opened);
    describe(opened.info);
    before.then(m => m.close(), () => {});
  } catch (error) {
    if (mine !== models) return;
    $('timing').textContent = said;
    return showError(error);
  }
  if (picture !== undefined) await classify(picture);
}

// ---- photos

/** Draws the photo, and returns how much smaller it is than the original. */
async function show({image, name}) {
  const bitmap = image instanceof ImageBitmap ? image : await createImageBitmap(image, {colorSpaceConversion: 'none'}).catch(() => null);
  if (bitmap === null) return null;
  const scale = Math.min(1, longestSide / Math.max(bitmap.width, bitmap.height));
  for (const canvas of [photo, glow]) {
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  }
  photo.getContext('2d').drawImage(bitmap, 0, 0, photo.width, photo.height);
  photo.setAttribute('aria-label', name);
  $('hint').hidden = true;
  if (bitmap !== image) bitmap.close();
  return scale;
}

function showGlow(scale, attention) {
  const pixels = photo.getContext('2d').getImageData(0, 0, photo.width, photo.height);
  blend(pixels, scale, attention);
  glow.getContext('2d').putImageData(pixels, 0, 0);
  stage.classList.toggle('glowing', $('show-glow').checked);
}

function showClasses({classes, milliseconds}, info) {
  const text = ({probability}) => info.scores === 'value' ? probability.toPrecision(4) : percent(probability);
  const items = classes.map(c => {
    const bar = element('i');
    bar.style.width = `${100 * Math.min(Math.max(c.probability, 0), 1)}%`;
    return element('li', {}, element('span', {className: 'name', textContent: c.label || `class ${c.index}`}),
                   element('span', {className: 'share', textContent: text(c)}),
                   element('span', {className: 'bar', ariaHidden: 'true'}, bar));
  });
  $('classes').replaceChildren(...items);
  const decode = milliseconds.decode >= 1 ? ` · ${Math.round(milliseconds.decode)} ms to decode` : '';
  $('timing').textContent = `${Math.round(milliseconds.run)} ms with ${info.kernels}${decode}`;
  const [best] = classes;
  $('summary').textContent = `${picture.name}: ${best.label || `class ${best.index}`}, ${text(best)}`;
}

async function classify(next) {
  const mine = ++photos;
  picture = next;
  clearError();
  stage.classList.add('busy');
  stage.classList.remove('glowing');
  try {
    const [scale, m] = await Promise.all([show(next), model]);
    if (mine !== photos) return;
    if (m.info.classes === 0) {
      const embedding = await m.embed(next.image);
      $('classes').replaceChildren();
      $('timing').textContent = `The model has no classes: it gives an embedding of ${embedding.length} values.`;
      return;
    }
    const result = await m.classify(next.image, {attention: m.info.hasAttention});
    if (mine !== photos) return;
    showClasses(result, m.info);
    if (scale !== null && result.attention !== undefined) showGlow(scale, result.attention);
    performance.mark('classified');
  } catch (error) {
    if (mine !== photos) return;
    $('classes').replaceChildren();
    $('timing').textContent = '';
    showError(error);
  } finally {
    if (mine === photos) stage.classList.remove('busy');
  }
}

async function classifySample(path, name) {
  try {
    const response = await fetch(path);
    if (!response.ok) throw new Error(`${path}: the server answers ${response.status}`);
    await classify({image: await response.blob(), name});
  } catch (error) {
    showError(error);
  }
}

// ---- files

const isWeights = file => /\.(safetensors|bin|pth|pt|ckpt)$/i.test(file.name);
const isJson = file => /\.json$/i.test(file.name);

/** Sorts dropped files into a checkpoint or a photo. */
async function take(files) {
  if (files.length > 0) clearError();
  const weights = files.find(isWeights);
  if (weights === undefined) {
    const image = files.find(file => !isJson(file));
    if (image !== undefined) return classify({image, name: image.name});
    return files.length > 0 ? showError(new Error('A configuration alone is not a model: drop the weights together with it.')) : undefined;
  }
  const source = {weights};
  for (const file of files.filter(isJson)) source[/preprocessor/i.test(file.name) ? 'preprocessor' : 'config'] = await file.text();
  await use({name: `${weights.name}, ${megabytes(weights.size)}`, source});
}

document.addEventListener('dragover', event => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
document.addEventListener('dragleave', event => {
  if (event.relatedTarget === null) document.body.classList.remove('dropping');
});
document.addEventListener('drop', event => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  take([...event.dataTransfer.files]);
});
document.addEventListener('paste', event => take([...event.clipboardData.files]));
for (const [button, input] of [['choose', 'photo-file'], ['choose-model', 'model-files']]) {
  $(button).addEventListener('click', () => $(input).click());
  $(input).addEventListener('change', () => {
    take([...$(input).files]);
    $(input).value = '';
  });
}
for (const button of document.querySelectorAll('[data-sample]'))
  button.addEventListener('click', () => classifySample(button.dataset.sample, button.firstElementChild.alt));

// ---- the camera

function endCamera() {
  video.srcObject?.getTracks().forEach(track => track.stop());
  video.srcObject = null;
  for (const [id, hidden] of [['video', true], ['shoot', true], ['cancel', true], ['photo', false], ['glow', false], ['choose', false], ['camera', false]]) $(id).hidden = hidden;
}

$('camera').addEventListener('click', async () => {
  clearError();
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment'}});
    await video.play();  // before the button is there: without a frame there is nothing to take
    for (const [id, hidden] of [['video', false], ['shoot', false], ['cancel', false], ['photo', true], ['glow', true], ['hint', true], ['choose', true], ['camera', true]]) $(id).hidden = hidden;
    $('shoot').focus();
  } catch (error) {
    endCamera();
    showError(new Error(`The camera cannot be used: ${error.message}`));
  }
});
$('shoot').addEventListener('click', async () => {
  let image;
  try {
    image = await createImageBitmap(video);
  } catch (error) {
    return showError(new Error(`The camera cannot be used: ${error.message}`));
  } finally {
    endCamera();
  }
  await classify({image, name: 'Photo of the camera'});
});
$('cancel').addEventListener('click', endCamera);

// ---- the beginning

$('show-glow').addEventListener('change', () => stage.classList.toggle('glowing', $('show-glow').checked));
for (const name of kernels()) $('kernels').append(element('option', {value: name, textContent: name}));
$('kernels').addEventListener('change', () => use(chosen));
$('builtin').addEventListener('click', () => use(builtIn));

model = open(builtIn);
model.then(m => describe(m.info), showError);
const first = document.querySelector('[data-sample]');
classifySample(first.dataset.sample, first.firstElementChild.alt);
