import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { uuidOf } from './identity.ts';
import { alignment, dosTable, gptTable, gptTail, type Partition, type Piece } from './table.ts';

function diskFile(t: TestContext, size: number, pieces: readonly Piece[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'pv-table-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'disk');
  const file = openSync(path, 'w');
  ftruncateSync(file, size);
  for (const { offset, bytes } of pieces) writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
  return path;
}

interface Table {
  partitiontable: {
    label: string;
    id: string;
    partitions: { start: number; size: number; type: string; uuid?: string; name?: string; bootable?: boolean }[];
  };
}
const readTable = (path: string) =>
  (JSON.parse(execFileSync('sfdisk', ['--json', path], { encoding: 'utf8' })) as Table).partitiontable;

const MiB = 1024 * 1024;
const partitions: Partition[] = [
  { name: 'bios', kind: 'bios-boot', offset: alignment, size: MiB, uuid: uuidOf('t', 'bios') },
  { name: 'boot', kind: 'efi', offset: 2 * MiB, size: 64 * MiB, uuid: uuidOf('t', 'boot'), active: true },
  { name: 'root', kind: 'linux', offset: 66 * MiB, size: 100 * MiB, uuid: uuidOf('t', 'root') },
];

test('sfdisk reads a GPT as it was meant, finds nothing wrong with it, and its copy works alone', (t) => {
  const size = 167 * MiB;
  const pieces = gptTable(size, uuidOf('t'), partitions);
  const path = diskFile(t, size, pieces);
  const { label, id, partitions: found } = readTable(path);
  assert.deepEqual([label, id.toLowerCase()], ['gpt', uuidOf('t')]);
  assert.deepEqual(
    found.map(({ start, size: length, name, uuid }) => [start * 512, length * 512, name, uuid?.toLowerCase()]),
    partitions.map(({ offset, size: length, name, uuid }) => [offset, length, name, uuid]),
  );
  assert.match(execFileSync('sfdisk', ['--verify', path], { encoding: 'utf8', stdio: 'pipe' }), /No errors detected/);
  const copyOnly = diskFile(
    t,
    size,
    pieces.filter(({ offset }) => offset === 440 || offset > MiB),
  );
  assert.equal(readTable(copyOnly).partitions.length, 3);
});

test('sfdisk reads a DOS table as it was meant', (t) => {
  const path = diskFile(t, 170 * MiB, dosTable(170 * MiB, 0x1234abcd, partitions.slice(1)));
  const { label, id, partitions: found } = readTable(path);
  assert.deepEqual([label, id], ['dos', '0x1234abcd']);
  assert.deepEqual(
    found.map(({ start, size, type, bootable = false }) => [start / 2048, size / 2048, type, bootable]),
    [
      [2, 64, 'ef', true],
      [66, 100, '83', false],
    ],
  );
});

test('partitions that overlap or do not fit are refused', () => {
  const [first, second] = partitions as [Partition, Partition, Partition];
  assert.throws(
    () => gptTable(200 * MiB, uuidOf('t'), [second, { ...first, offset: 10 * MiB }]),
    /cannot place the partition bios/,
  );
  assert.throws(() => gptTable(66 * MiB, uuidOf('t'), [first, second]), /cannot place the partitions/);
  assert.throws(() => dosTable(200 * MiB, 1, [first, first, first, first, first]), /cannot write 5 partitions/);
  assert.throws(() => dosTable(200 * MiB, 1, [{ ...first, size: 100 }]), /no whole sectors/);
});

test('whatever fits into a disk is read back by sfdisk', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), (sizes) => {
      let offset = alignment;
      const list = sizes.map((megabytes, index): Partition => {
        const partition = {
          name: `p${index}`,
          kind: 'linux',
          offset,
          size: megabytes * MiB,
          uuid: uuidOf('p', `${index}`),
        } as const;
        offset += partition.size;
        return partition;
      });
      const size = Math.ceil((offset + gptTail) / 4096) * 4096;
      const found = readTable(diskFile(t, size, gptTable(size, uuidOf('x'), list))).partitions;
      assert.deepEqual(
        found.map(({ start, size: length }) => [start * 512, length * 512]),
        list.map((one) => [one.offset, one.size]),
      );
    }),
    { numRuns: 15 },
  );
});
