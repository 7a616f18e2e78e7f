// Serves a folder on the loopback address: node serve.mjs FOLDER [PORT]. Other programs import serve().
import {createReadStream, promises} from 'node:fs';
import {createServer} from 'node:http';
import {extname, join, normalize, sep} from 'node:path';
import {fileURLToPath} from 'node:url';

const types = {
  '.css': 'text/css', '.html': 'text/html; charset=utf-8', '.jpg': 'image/jpeg', '.js': 'text/javascript', '.json': 'application/json', '.mjs': 'text/javascript',
  '.png': 'image/png', '.svg': 'image/svg+xml', '.wasm': 'application/wasm',
};

/** Starts a server; port 0 is any free one. Resolves to {url, close}. */
export function serve(folder, port = 0) {
  const root = normalize(folder + sep);
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    const file = join(root, path.endsWith('/') ? path + 'index.html' : path);
    const size = file.startsWith(root) ? await promises.stat(file).then(s => s.isFile() ? s.size : -1, () => -1) : -1;
    if (size < 0 || request.method !== 'GET') {
      response.writeHead(404, {'content-type': 'text/plain'}).end('not found\n');
      return;
    }
    response.writeHead(200, {'content-type': types[extname(file)] ?? 'application/octet-stream', 'content-length': size, 'cache-control': 'no-cache'});
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', () => resolve({
      url: `http://127.0.0.1:${server.address().port}/`,
      close: () => new Promise(done => server.close(done)),
    }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const {url} = await serve(process.argv[2], Number(process.argv[3] ?? 8080));
  console.log(`${url} (Ctrl-C ends it)`);
}
