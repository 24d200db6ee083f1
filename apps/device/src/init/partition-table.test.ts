import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uuidOf } from '../../../../images/src/disk/identity.ts';
import { dosTable, gptTable, type Partition, type Piece } from '../../../../images/src/disk/table.ts';
import { grownTable, tableSize } from './partition-table.ts';

const mebibyte = 1024 * 1024;
const size = 64 * mebibyte;
const partition = (name: string, from: number, to: number): Partition => ({
  name,
  kind: 'linux',
  offset: from * mebibyte,
  size: (to - from) * mebibyte,
  uuid: uuidOf('test', name),
});
const two = [partition('boot', 1, 8), partition('root', 8, 32)];

function head(pieces: readonly Piece[]): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const piece of pieces) bytes.set(piece.bytes, piece.offset);
  return bytes.slice(0, tableSize);
}
const gptHead = () => head(gptTable(size, uuidOf('test', 'disk'), two));
const dosHead = () => head(dosTable(size, 1, two));
const sectors = size / 512;

test('only the last partition grows, and only where there is room', () => {
  for (const table of [gptHead(), dosHead()]) {
    assert.ok(Array.isArray(grownTable(table, sectors, 2)));
    assert.deepEqual(grownTable(table, sectors, 1), { refused: 'others come after it' });
    assert.match(JSON.stringify(grownTable(table, sectors, 3)), /has no (primary )?partition 3/);
    assert.deepEqual(grownTable(table, (32 * mebibyte) / 512 + 100, 2), { refused: undefined });
  }
});

test('what is damaged or unknown is left alone', () => {
  assert.deepEqual(grownTable(new Uint8Array(tableSize), sectors, 1), { refused: 'it has no table' });
  assert.deepEqual(grownTable(gptHead().slice(0, 512), sectors, 2), { refused: 'it has no table' });
  for (const at of [512, 512 + 60, 1024 + 40]) {
    const damaged = gptHead();
    damaged[at]! ^= 1;
    assert.deepEqual(grownTable(damaged, sectors, 2), { refused: 'its GPT is damaged or unusual' });
  }
  const extended = dosHead();
  extended[446 + 16 + 4] = 0x0f;
  assert.deepEqual(grownTable(extended, sectors, 2), { refused: 'it has no primary partition 2' });
});

test('the copy of a GPT is written before its start, which is one piece of 4096 bytes', () => {
  const writes = grownTable(gptHead(), sectors, 2);
  assert.ok(Array.isArray(writes));
  assert.deepEqual(
    writes.map(({ offset, bytes }) => [offset, bytes.length]),
    [
      [size - 33 * 512, 128 * 128],
      [size - 512, 512],
      [0, 4096],
    ],
  );
});
