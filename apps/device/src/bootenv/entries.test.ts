import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tryEveryCut } from '../host/memory/cuts.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import { memoryTextCoding } from '../host/memory/utf8.ts';
import { Failure } from '../runtime/failure.ts';
import { makeTree, writeDurable } from '../storage/durable.ts';
import { readBlock, writeBlock } from './block-file.ts';
import { formatEntries, parseEntries, withValues } from './entries.ts';
import { formatGrubBlock, parseGrubBlock } from './grub.ts';
import { fileBlockStore, ubootEnvironment } from './uboot.ts';

const text = memoryTextCoding();
const isFailure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;
const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,10}$/);
const entries = (value: fc.Arbitrary<string>) =>
  fc.uniqueArray(fc.record({ key, value }, { noNullPrototype: true }), {
    selector: (entry) => entry.key,
    maxLength: 8,
  });

test('entries are read back as they were written', () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((candidate) => !/\0/.test(candidate));
  fc.assert(
    fc.property(entries(value), (list) => {
      assert.deepEqual(parseEntries(formatEntries(list, 4096, 4096, text), text), list);
    }),
  );
});

test('any bytes are read without harm', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const entry of parseEntries(bytes, text)) assert.ok(!/[=\0]/.test(entry.key) && !entry.value.includes('\0'));
      parseGrubBlock(bytes, text);
    }),
  );
});

test('reading stops at the first empty entry, at erased flash, and at the end of a file that lacks its last zero', () => {
  const read = (bytes: string | Uint8Array) =>
    parseEntries(typeof bytes === 'string' ? text.encode(bytes) : bytes, text).map(
      (entry) => `${entry.key}=${entry.value}`,
    );
  assert.deepEqual(read('pv_rev=5\0pv_try=\0\0ghost=1\0'), ['pv_rev=5', 'pv_try=']);
  assert.deepEqual(read('pv_rev=5'), ['pv_rev=5'], 'the last zero may be missing');
  assert.deepEqual(read(Uint8Array.of(...text.encode('a=1\0'), 0xff, 0xff, 0x61)), ['a=1']);
  assert.deepEqual(read(new Uint8Array(16).fill(0xff)), []);
  assert.deepEqual(read('no separator\0=no key\0a=1=2\0a=second\0'), ['a=1=2']);
});

test('a key is not another key that begins the same: removing pv_try leaves pv_trying', () => {
  const list = parseEntries(text.encode('pv_trying=7\0pv_try=8\0'), text);
  assert.deepEqual(withValues(list, { pv_try: undefined }), [{ key: 'pv_trying', value: '7' }]);
  assert.deepEqual(withValues(list, { pv_try: '' })[1], { key: 'pv_try', value: '' });
});

test('what does not fit or cannot be read back is refused', () => {
  const big = [{ key: 'a', value: 'x'.repeat(1024) }];
  assert.throws(() => formatEntries(big, 65536, 1024, text), isFailure('boot-env-full'));
  for (const entry of [
    { key: 'a=b', value: '' },
    { key: '', value: 'x' },
    { key: 'a', value: 'x\0y' },
  ])
    assert.throws(() => formatEntries([entry], 100, 100, text), isFailure('boot-env-value'));
});

test('the file of U-Boot is a block of 65536 bytes with the two keys first', async () => {
  const { files } = createMemoryHost();
  const path = '/boot/uboot.txt';
  await makeTree(files, '/boot');
  await writeDurable(files, path, 'other=1\0pv_try=old\0pv_rev=0\0\0');
  const environment = ubootEnvironment({ store: fileBlockStore(files, path), text });
  await environment.armTry('locals/x');
  const block = await files.readText(path);
  assert.equal(block.length, 65536);
  assert.equal(block.replace(/\0+$/, ''), 'pv_rev=0\0pv_try=locals/x\0other=1');
  await environment.commit('locals/x');
  assert.equal((await files.readText(path)).replace(/\0+$/, ''), 'pv_rev=locals/x\0pv_try=\0other=1');
});

test('a change of several sectors is whole all the same', async () => {
  const host = createMemoryHost();
  const [old, next] = [65, 66].map((byte) => new Uint8Array(2048).fill(byte));
  assert.ok(old && next);
  await writeBlock(host.files, '/block', old);
  const seen = new Set<string>();
  await tryEveryCut({
    host,
    operation: () => writeBlock(host.files, '/block', next),
    check: async ({ files }) => void seen.add(String(new Set(await readBlock(files, '/block')).size)),
  });
  assert.deepEqual(seen, new Set(['1']));
});

test('a change of one sector is written in place', async () => {
  const { files } = createMemoryHost();
  const block = new Uint8Array(2048).fill(65);
  await writeBlock(files, '/block', block);
  const inode = (await files.status('/block'))?.inode;
  block[700] = 66;
  await writeBlock(files, '/block', block);
  assert.equal((await files.status('/block'))?.inode, inode);
  assert.deepEqual(await readBlock(files, '/block'), block);
});

test('blocks of GRUB are read back as they were written', () => {
  const value = fc.string({ unit: fc.constantFrom('a', '\\', '\n', '#', '=', ' ', 'ü'), maxLength: 12 });
  fc.assert(
    fc.property(entries(value), fc.subarray(['# a', '#', '# b=c']), (list, comments) => {
      const block = formatGrubBlock({ comments, entries: list }, text);
      assert.equal(block.length, 1024);
      assert.deepEqual(parseGrubBlock(block, text), { comments, entries: list });
    }),
  );
});

test('what is no block of GRUB is none, and too much is refused', () => {
  assert.equal(parseGrubBlock(text.encode('# GRUB\n'), text), undefined);
  const big = { comments: [], entries: [{ key: 'a', value: 'x'.repeat(1000) }] };
  assert.throws(() => formatGrubBlock(big, text), isFailure('boot-env-full'));
  const bad = { comments: [], entries: [{ key: 'a b', value: '' }] };
  assert.throws(() => formatGrubBlock(bad, text), isFailure('boot-env-value'));
});
