// The page of examples/web in Debian's Chromium: photos, checkpoints, errors, memory, requests, and the kernels with relaxed vectors.
// With CVT_SCREENSHOTS=FOLDER it also takes pictures of the page.
import assert from 'node:assert/strict';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {after, before, test} from 'node:test';

import {serve} from '../../examples/web/serve.mjs';
import {build, difference, formulaCheckpoint, formulaImage, native, readNpy, root, temporaryFolder} from './support.mjs';

const {chromium} = createRequire(join(build, 'npm/'))('playwright-core');
const photos = ['chelsea.png', 'coffee.jpg'].map(name => join(root, 'examples/images', name));
const folder = temporaryFolder();
let server, browser, page;
const requests = [], problems = [];

/** A page on which nothing has happened yet, in a new context. */
async function newPage(options = {}) {
  const context = await browser.newContext({viewport: {width: 1200, height: 860}, ...options});
  const made = await context.newPage();
  made.on('pageerror', error => problems.push(error.message));
  made.on('console', message => message.type() === 'error' && problems.push(message.text()));
  context.on('request', request => requests.push(request.url()));
  await made.goto(server.url);
  return made;
}

/** Waits for the next classification or error. */
const classified = on => on.waitForFunction(() => performance.getEntriesByName('classified').length > 0 || !document.getElementById('error').hidden);
const forget = on => on.evaluate(() => performance.clearMarks('classified'));
const labels = on => on.locator('#classes .name').allTextContents();
const shares = on => on.locator('#classes .share').allTextContents();

/** Drops files on the page, as a person does with the mouse. */
async function drop(on, paths) {
  await forget(on);
  const files = paths.map(path => ({name: path.split('/').at(-1), base64: readFileSync(path).toString('base64')}));
  await on.evaluate(files => {
    const transfer = new DataTransfer();
    for (const {name, base64} of files) transfer.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], name));
    document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true}));
  }, files);
  await classified(on);
}

before(async () => {
  assert.ok(existsSync('/usr/bin/chromium'), 'chromium is not installed');
  server = await serve(join(build, 'site'));
  browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']});
  page = await newPage();
  await classified(page);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test('the page classifies its first sample, with the classes of the native program and the README', async () => {
  const {records} = native(photos.slice(0, 1), folder);
  assert.deepEqual(await labels(page), records[0].top.map(c => c.label));
  assert.deepEqual(await shares(page), records[0].top.map(c => `${(100 * c.probability).toFixed(1)} %`));
  assert.match(await page.textContent('#timing'), /^\d+ ms with wasm-relaxed/);
  assert.equal(await page.getAttribute('#photo', 'aria-label'), 'Sample: a cat');
  const [{label, probability}] = records[0].top, percent = (100 * probability).toFixed(1);
  assert.match(label, / cat$/);
  assert.match(readFileSync(join(root, 'README.md'), 'utf8'), new RegExp(`examples/images/chelsea\\.png\n +${percent} %  ${label}\n`));
  assert.equal(await page.textContent('#summary'), `Sample: a cat: ${label}, ${percent} %`);
  assert.ok(await page.locator('.stage.glowing').count() === 1);
});

test('a dropped photo, a chosen one and the camera', async () => {
  await drop(page, [photos[1]]);
  const {records} = native([photos[1]], folder);
  assert.deepEqual(await labels(page), records[0].top.map(c => c.label));
  await forget(page);
  await page.setInputFiles('#photo-file', photos[0]);
  await classified(page);
  assert.match((await labels(page))[0], / cat$/);
  await forget(page);
  await page.click('#camera');
  await page.click('#shoot');
  await classified(page);
  assert.equal(await page.getAttribute('#photo', 'aria-label'), 'Photo of the camera');
  assert.equal((await labels(page)).length, 5);
});

test('a picture in another format is decoded by the browser', async () => {
  await drop(page, [join(root, 'tests/data/pictures/lossless.webp')]);
  assert.ok(await page.isHidden('#error'));
  assert.equal((await labels(page)).length, 5);
  await drop(page, [join(root, 'tests/data/pictures/cmyk.tif')]);
  assert.match(await page.textContent('#error'), /TIFF file: the browser cannot decode it, either/);
});

test('a hostile checkpoint shows its error, and the page lives on', async () => {
  const data = join(root, 'tests/data/field/');
  for (const name of ['refused-hostile-system.pth', 'refused-incomplete.pth', 'refused-no-tensors.pth']) {
    await drop(page, [data + name, data + 'config.json']);
    assert.match(await page.textContent('#error'), name.includes('system') ? /posix\.system.*nothing was executed/ : /./);
    await page.waitForFunction(() => document.querySelectorAll('#classes li').length === 5 || !document.querySelector('.busy'));
  }
  await drop(page, [photos[1]]);
  assert.ok(await page.isHidden('#error'));
  assert.equal((await labels(page))[0], 'espresso');
});

test('a checkpoint of one\'s own', async () => {
  const data = join(root, 'tests/data/checkpoint/tiny-hf/');
  await drop(page, [data + 'model.safetensors', data + 'config.json']);
  assert.ok(await page.isHidden('#error'), await page.textContent('#error'));
  assert.match(await page.textContent('#model'), /model\.safetensors/);
  await forget(page);
  await page.click('#own summary');
  await page.click('#builtin');
  await classified(page);
  assert.equal((await labels(page))[0], 'espresso');
});

test('logits of CvT-13 with generated weights, by both kernel sets', async () => {
  const golden = readNpy(join(root, 'tests/data/golden/published.npy')).slice(0, 1000);
  writeFileSync(join(build, 'site/generated.safetensors'), formulaCheckpoint('cvt-13'));
  const {tensor, channels, height, width} = formulaImage(224);
  for (const kernels of ['wasm-relaxed', 'wasm-simd128']) {
    const {logits, milliseconds} = await page.evaluate(async ({kernels, input}) => {
      const {load} = await import('./cvt/cvt.js');
      const model = await load('generated.safetensors', {kernels});
      const tensor = {...input, tensor: new Float32Array(input.tensor)}, times = [];
      let result;
      for (let i = 0; i < 7; ++i) times.push((result = await model.classify(tensor)).milliseconds.run);
      model.close();
      return {logits: [...result.logits], milliseconds: times.sort((a, b) => a - b)[3]};
    }, {kernels, input: {tensor: [...tensor], channels, height, width}});
    const worst = difference(logits, golden);
    console.log(`Chromium, ${kernels}: logits within ${worst.toExponential(1)} of the float64 reference, ${milliseconds.toFixed(0)} ms`);
    assert.ok(worst <= 1e-5, `${kernels}: ${worst}`);
  }
});

test('every kernel of wasm-relaxed against float64 definitions', async () => {
  const module = readFileSync(join(build, 'tests/kernels-relaxed.wasm')).toString('base64');
  const output = await page.evaluate(async base64 => {
    const {wasi} = await import('./cvt/engine.js');
    let text = '', exports;
    const module = await WebAssembly.compile(Uint8Array.from(atob(base64), c => c.charCodeAt(0)));
    exports = (await WebAssembly.instantiate(module, {wasi_snapshot_preview1: wasi(() => exports.memory, piece => (text += piece))})).exports;
    exports._initialize();
    try {
      exports.run_cases();
    } catch (error) {
      text += error.stack;
    }
    return text;
  }, module);
  assert.match(output, /ok: depthwise[^]*\d{4,} checks, 0 failed/);
});

test('memory does not grow over 100 photos', async () => {
  const files = photos.map(path => readFileSync(path).toString('base64'));
  const sizes = await page.evaluate(async files => {
    const {load} = await import('./cvt/cvt.js');
    const model = await load('model/'), sizes = [];
    const blobs = files.map(base64 => new Blob([Uint8Array.from(atob(base64), c => c.charCodeAt(0))]));
    for (let i = 0; i < 100; ++i) {
      await model.classify(blobs[i % 2], {attention: true});
      sizes.push(model.memoryBytes);
    }
    model.close();
    return sizes;
  }, files);
  assert.equal(sizes.at(-1), sizes[1]);
  const heap = () => page.evaluate(() => (globalThis.gc?.(), performance.memory.usedJSHeapSize));
  const start = await heap();
  for (let i = 0; i < 20; ++i) await drop(page, [photos[i % 2]]);
  const grown = await heap() - start;
  console.log(`WebAssembly's memory: ${sizes.at(-1)} bytes after 100 photos; the page's heap grew by ${grown}`);
  assert.ok(grown < 60e6, `${grown}`);
});

test('a trap shows its error, and the next photo has a new worker', async () => {
  const texts = await page.evaluate(async () => {
    const {load} = await import('./cvt/cvt.js');
    const model = await load('model/'), photo = await (await fetch('photos/coffee.jpg')).blob();
    class Lying extends Uint8Array {
      get length() {
        return 3 * 20000 * 20000;
      }
    }
    const trap = await model.classify({data: new Lying(3), width: 20000, height: 20000}).catch(error => `${error.code}: ${error.message}`);
    const {classes} = await model.classify(photo);
    model.close();
    return [trap, classes[0].label];
  });
  assert.match(texts[0], /^trap: the module stopped: /);
  assert.equal(texts[1], 'espresso');
});

test('the page works with the keyboard alone, and each control has a name', async () => {
  const fresh = await newPage({reducedMotion: 'reduce'});
  await classified(fresh);
  const names = [];
  for (let i = 0; i < 9; ++i) {
    await fresh.keyboard.press('Tab');
    names.push(await fresh.evaluate(() => {
      const e = document.activeElement;
      return e.labels?.[0]?.textContent.trim() || e.querySelector?.('img')?.alt || e.textContent.trim();
    }));
  }
  assert.ok(names.slice(0, 6).every(name => name.length > 0), names.join(' | '));
  for (const expected of ['Choose a photo', 'Use the camera', 'Sample: a cat', 'Sample: a cup of coffee', 'Where it looked', 'Use your own checkpoint'])
    assert.ok(names.includes(expected), `${expected} in ${names.join(' | ')}`);
  await forget(fresh);
  await fresh.focus('[data-sample$="coffee.jpg"]');
  await fresh.keyboard.press('Enter');
  await classified(fresh);
  assert.equal((await labels(fresh))[0], 'espresso');
  await fresh.focus('#show-glow');
  await fresh.keyboard.press('Space');
  assert.equal(await fresh.locator('.stage.glowing').count(), 0);
  await fresh.context().close();
});

test('a phone shows no horizontal scroll bar', async () => {
  const phone = await newPage({viewport: {width: 360, height: 740}});
  await classified(phone);
  await phone.click('#own summary');
  assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await phone.context().close();
});

test('the page requests nothing but its own files, and its policy forbids anything else', async () => {
  assert.ok(requests.length > 20);
  const allowed = readdirSync(join(build, 'site'), {recursive: true}).map(String);
  for (const url of requests) assert.ok(url.startsWith(server.url), url);
  assert.ok(allowed.length > 0);
  const violation = await page.evaluate(() => new Promise(resolve => {
    document.addEventListener('securitypolicyviolation', event => resolve(event.violatedDirective), {once: true});
    fetch('http://127.0.0.1:9/').then(() => resolve('a request'), () => {});
  }));
  assert.equal(violation, 'connect-src');
  assert.deepEqual(problems.filter(text => !/Content Security Policy|violates|Fetch API cannot load/.test(text)), []);
});

test('screenshots', {skip: process.env.CVT_SCREENSHOTS ? false : 'CVT_SCREENSHOTS is not set'}, async () => {
  const looks = {light: {viewport: {width: 1200, height: 700}}, dark: {viewport: {width: 1200, height: 700}, colorScheme: 'dark'}, phone: {viewport: {width: 390, height: 844}, deviceScaleFactor: 2}};
  for (const [name, options] of Object.entries(looks)) {
    const look = await newPage(options);
    await classified(look);
    await look.waitForTimeout(800);
    await look.screenshot({path: join(process.env.CVT_SCREENSHOTS, `${name}.png`), fullPage: name === 'phone'});
    await look.context().close();
  }
});
