/**
 * Upload and download of one large object, against a bare Node stream between a socket and the same disk in the same run, and
 * the memory of the hub meanwhile.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startBenchHub } from './measure/hub.ts';
import { readBenchOptions } from './measure/options.ts';
import { printTable } from './measure/table.ts';

const { mebibytes } = readBenchOptions(import.meta.filename, {
  mebibytes: { fallback: 1024, help: 'size of the object' },
});
const mebibyte = 1024 * 1024;
const size = mebibytes * mebibyte;
const block = randomBytes(mebibyte);
const content = () =>
  Readable.from(
    (function* () {
      for (let left = size; left > 0; left -= block.length) yield block;
    })(),
  );

async function transfer(method: string, url: string): Promise<number> {
  const begin = performance.now();
  await new Promise<void>((resolve, reject) => {
    const outgoing = request(
      url,
      { method, headers: method === 'PUT' ? { 'content-length': size } : {} },
      (response) => {
        const sink = new Writable({ write: (_piece, _encoding, done) => done() });
        pipeline(response, sink).then(
          () => (response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`))),
          reject,
        );
      },
    );
    outgoing.on('error', reject);
    if (method === 'PUT') pipeline(content(), outgoing).catch(reject);
    else outgoing.end();
  });
  return size / mebibyte / ((performance.now() - begin) / 1000);
}

const folder = mkdtempSync(join(tmpdir(), 'bench-blobs-'));
const file = join(folder, 'bare');
const bare = createServer((incoming, response) => {
  const work =
    incoming.method === 'PUT'
      ? pipeline(incoming, createWriteStream(file, { flush: true })).then(() => response.end())
      : pipeline(createReadStream(file, { highWaterMark: 256 * 1024 }), response);
  work.catch((error: Error) => response.destroy(error));
}).listen(0, '127.0.0.1');
const hub = await startBenchHub();
try {
  const hash = createHash('sha256');
  for (let left = size; left > 0; left -= block.length) hash.update(block);
  const object = await hub.call('POST', '/objects/', hub.owner, {
    objectname: 'big',
    size: String(size),
    sha256sum: hash.digest('hex'),
  });
  const address = `http://127.0.0.1:${(bare.address() as AddressInfo).port}/`;
  const before = hub.memory();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, hub.memory());
  }, 50);
  const rates: Record<string, [number, number]> = {
    upload: [await transfer('PUT', address), await transfer('PUT', object['signed-puturl'] ?? '')],
    download: [await transfer('GET', address), await transfer('GET', object['signed-geturl'] ?? '')],
  };
  clearInterval(watch);
  printTable(
    `an object of ${mebibytes} MiB; memory of the hub ${before.toFixed(0)} MiB before, at most ${most.toFixed(0)} MiB`,
    ['', 'bare MiB/s', 'hub MiB/s', 'of bare'],
    Object.entries(rates).map(([name, [reference, measured]]) => [
      name,
      reference.toFixed(0),
      measured.toFixed(0),
      (measured / reference).toFixed(2),
    ]),
  );
} finally {
  await hub.stop();
  bare.close();
  rmSync(folder, { recursive: true, force: true });
}
