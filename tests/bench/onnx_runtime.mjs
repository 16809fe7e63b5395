// Runs ONNX models for another program: one JSON message a line on stdin, one answer a line on stdout.
// {"open": FILE, "threads": n} -> {"version"}; {"ids": [[...]]} -> {"milliseconds", "cpu_milliseconds", "logits": [...]}
// ids are sequences of any length, padded here outside of the time taken. The folder of onnxruntime-node's node_modules
// is the first argument.
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';
import path from 'node:path';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'x.js'));
const runtime = require('onnxruntime-node');
const version = require('onnxruntime-node/package.json').version;

let session = null;
let known = {key: '', feeds: null};

function feedsOf(sequences) {
  const key = JSON.stringify(sequences);
  if (known.key === key) return known.feeds;
  const length = Math.max(...sequences.map((one) => one.length));
  const shape = [sequences.length, length];
  const ids = new BigInt64Array(shape[0] * length);
  const mask = new BigInt64Array(shape[0] * length);
  sequences.forEach((one, row) => one.forEach((id, i) => {
    ids[row * length + i] = BigInt(id);
    mask[row * length + i] = 1n;
  }));
  const all = {
    input_ids: new runtime.Tensor('int64', ids, shape),
    attention_mask: new runtime.Tensor('int64', mask, shape),
    token_type_ids: new runtime.Tensor('int64', new BigInt64Array(shape[0] * length), shape),
  };
  const feeds = Object.fromEntries(session.inputNames.map((name) => [name, all[name]]));
  known = {key, feeds};
  return feeds;
}

async function answer(message) {
  if (message.open) {
    if (session) await session.release();
    known = {key: '', feeds: null};
    session = await runtime.InferenceSession.create(message.open, {
      intraOpNumThreads: message.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: message.optimization ?? 'all',
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
    return {version};
  }
  const feeds = feedsOf(message.ids);
  const cpuBegin = process.cpuUsage();
  const begin = process.hrtime.bigint();
  const outputs = await session.run(feeds);
  const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6;
  const used = process.cpuUsage(cpuBegin);
  const first = outputs[session.outputNames[0]];
  const cpu = (used.user + used.system) / 1e3;
  return {milliseconds, cpu_milliseconds: cpu, shape: first.dims, logits: message.logits ? Array.from(first.data) : []};
}

for await (const line of createInterface({input: process.stdin})) {
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch (error) {
    reply = {error: String(error)};
  }
  process.stdout.write(JSON.stringify(reply) + '\n');
}
