/**
 * An object of 256 MB through the control socket of a device: upload (with its checksum, durable), download, and the memory of the
 * runtime meanwhile. The reference of the same run is copying the same file with its SHA-256 reckoned, on the same file system, durable too.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { benchContainers, InstalledDevice } from './measure/device.ts';
import { readBenchOptions } from './measure/options.ts';
import { memoryOf } from './measure/processes.ts';
import { median, printTable, spread } from './measure/table.ts';

const { megabytes, repeats } = readBenchOptions(import.meta.filename, {
  megabytes: { fallback: 256, help: 'size of the object in MiB' },
  repeats: { fallback: 5, help: 'transfers each way' },
});
const size = megabytes * 1024 * 1024;
const pieceBytes = 1024 * 1024;

async function writeObject(path: string, seed: number): Promise<string> {
  const hash = createHash('sha256');
  const piece = randomFillSync(Buffer.alloc(pieceBytes));
  const file = await open(path, 'w');
  for (let written = 0; written < size; written += pieceBytes) {
    piece.writeUInt32LE(seed + written, 0);
    hash.update(piece);
    await file.write(piece);
  }
  await file.sync();
  await file.close();
  return hash.digest('hex');
}

/** MiB per second. */
async function rate(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return size / 1024 / 1024 / ((performance.now() - begin) / 1000);
}

async function copyWithDigest(from: string, to: string): Promise<void> {
  const hash = createHash('sha256');
  const source = createReadStream(from, { highWaterMark: pieceBytes }).on('data', (piece) => hash.update(piece));
  await pipeline(source, createWriteStream(to));
  const file = await open(to, 'r+');
  await file.sync();
  await file.close();
}

const installed = await InstalledDevice.install(benchContainers(0));
const device = await installed.start();
try {
  const { client } = device;
  const pid = device.process.pid ?? 0;
  const before = memoryOf(pid).rss;
  let greatest = before;
  const watch = setInterval(() => {
    greatest = Math.max(greatest, memoryOf(pid).rss);
  }, 20);
  const results = { copy: [] as number[], up: [] as number[], down: [] as number[] };
  const file = join(installed.storage, 'bench-object');
  for (let round = 0; round < repeats; round += 1) {
    const id = await writeObject(file, round);
    results.copy.push(await rate(() => copyWithDigest(file, `${file}.copy`)));
    const pieces = createReadStream(file, { highWaterMark: pieceBytes });
    results.up.push(await rate(() => client.putObject(id, { pieces, size })));
    const download = async () => {
      let received = 0;
      for await (const piece of await client.getObject(id)) received += piece.length;
      if (received !== (await stat(file)).size) throw new Error(`cannot measure: ${received} bytes came back`);
    };
    results.down.push(await rate(download));
  }
  clearInterval(watch);
  const row = (name: string, rates: number[], original: string) => [
    name,
    spread(rates, 0),
    (median(rates) / median(results.copy)).toFixed(2),
    original,
  ];
  printTable(
    `Objects of ${megabytes} MB: MiB per second, median (least..greatest)`,
    ['', 'rate', 'to copy + sha256', 'original, elsewhere'],
    [row('copy + sha256', results.copy, ''), row('upload', results.up, '165'), row('download', results.down, '1')],
  );
  const mebibytes = (kilobytes: number) => `${(kilobytes / 1024).toFixed(0)} MiB`;
  console.log(`  memory of the runtime (RSS): ${mebibytes(before)} before, at most ${mebibytes(greatest)} meanwhile`);
} finally {
  await device.stop();
  await installed.remove();
}
