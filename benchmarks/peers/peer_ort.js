// One contestant of benchmarks/peers: holds an ONNX file in ONNX Runtime and answers each line of standard input with a line.
//
// node peer_ort.js MODULES MODEL SIZE BATCH THREADS INPUT     MODULES: the folder that npm filled
// The commands are those of peer_cvt. onnxruntime-node runs the model on the calling thread, in its native library; node adds
// a few microseconds to a run.
'use strict';

const fs = require('fs');
const path = require('path');
const readline = require('readline');

async function main([modules, model, size, batch, threads, input]) {
    const home = path.resolve(modules, 'onnxruntime-node');
    const ort = require(home);
    const options = {
        executionProviders: ['cpu'],
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        intraOpNumThreads: Number(threads),
        interOpNumThreads: 1,
        logSeverityLevel: 3,
    };
    const bare_memory = 1024 * Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
    const session = await ort.InferenceSession.create(model, options);

    const bytes = fs.readFileSync(input);
    const pixels = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const feeds = {image: new ort.Tensor('float32', pixels, [Number(batch), 3, Number(size), Number(size)])};
    let logits;

    const version = require(path.join(home, 'package.json')).version;
    console.log(JSON.stringify({bare_memory, version, node: process.version}));
    for await (const line of readline.createInterface({input: process.stdin})) {
        if (line === 'run') {
            const begin = process.hrtime.bigint();
            const outputs = await session.run(feeds);
            console.log(Number(process.hrtime.bigint() - begin) / 1e6);
            logits = outputs.logits.data;
        } else if (line.startsWith('logits ')) {
            fs.writeFileSync(line.slice(7), Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength));
            console.log('written');
        } else {
            throw new Error('unknown line: ' + line);
        }
    }
}

main(process.argv.slice(2)).catch(error => {
    console.error('peer_ort: ' + error.message);
    process.exit(1);
});
