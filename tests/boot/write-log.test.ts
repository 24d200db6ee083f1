import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { cutPower, type Loss, readWriteLog } from './write-log.ts';

const sector = 512;
const write = 0n;
const [flush, discard] = [1n, 4n];

/** A log as QEMU writes it: a sector about the whole, then one for each entry, with the data behind it. */
function logOf(...entries: [flags: bigint, place: number, text?: string][]): Buffer {
  const head = Buffer.alloc(sector);
  head.writeBigUInt64LE(0x6a736677736872n, 0);
  head.writeBigUInt64LE(1n, 8);
  head.writeUInt32LE(sector, 24);
  const parts = entries.flatMap(([flags, place, text]) => {
    const entry = Buffer.alloc(sector);
    entry.writeBigUInt64LE(BigInt(place), 0);
    entry.writeBigUInt64LE(text === undefined ? 0n : 1n, 8);
    entry.writeBigUInt64LE(flags, 16);
    return text === undefined || flags === discard ? [entry] : [entry, Buffer.alloc(sector, text)];
  });
  return Buffer.concat([head, ...parts]);
}

function after(
  t: TestContext,
  log: Buffer,
  loss: Loss,
  random = () => 0,
): { disk: string; lost: number; volatile: number } {
  const folder = temporaryDirectory(t);
  const [disk, file] = [join(folder, 'disk'), join(folder, 'log')];
  writeFileSync(disk, Buffer.alloc(4 * sector, '.'));
  writeFileSync(file, log);
  const counts = cutPower(disk, readWriteLog(file), loss, random);
  const text = readFileSync(disk, 'latin1');
  return { disk: [0, 1, 2, 3].map((at) => text[at * sector]).join(''), ...counts };
}

const log = logOf([write, 0, 'a'], [flush, 0], [discard, 0, ' '], [write, 1, 'b'], [write, 0, 'c'], [write, 3, 'd']);

test('what was flushed stays; of the rest a cut takes nothing, some, or everything', (t) => {
  assert.deepEqual(after(t, log, 'nothing'), { disk: 'cb.d', lost: 0, volatile: 3 });
  assert.deepEqual(after(t, log, 'everything'), { disk: 'a...', lost: 3, volatile: 3 });
  const chances = [0.9, 0.1, 0.6];
  assert.deepEqual(
    after(t, log, 'some', () => chances.shift() ?? 0),
    { disk: 'ab.d', lost: 1, volatile: 3 },
  );
});

test('an entry that was cut off is none, and another file is no log', (t) => {
  assert.equal(after(t, log.subarray(0, -1), 'nothing').disk, 'cb..');
  assert.throws(() => after(t, Buffer.alloc(sector), 'nothing'), /it is no log of writes/);
});
