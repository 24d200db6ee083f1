import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 as platformCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { memoryTextCoding } from '../host/memory/utf8.ts';
import { Failure } from '../runtime/failure.ts';
import { crc32 } from './crc32.ts';
import { parseFlashTable } from './flash.ts';
import { norFlash } from './testing/nor-flash.ts';
import { activeFlag, formatImage, newerImage, nextFlag, obsoleteFlag, parseImage } from './uboot-env-image.ts';
import { createEnvironmentStore, formatToolConfig } from './uboot-env-store.ts';

const text = memoryTextCoding();
const size = 512;
const isFailure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;
const image = (flag: number | undefined, value: string) =>
  formatImage({ flag, entries: [{ key: 'pv_rev', value }] }, size, text);

test('the checksum is that of zlib', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => crc32(bytes) === platformCrc32(bytes)));
});

test('an image with any changed bit is not valid', () => {
  const good = image(1, 'locals/x');
  assert.deepEqual(parseImage(good, true, text), { flag: 1, entries: [{ key: 'pv_rev', value: 'locals/x' }] });
  fc.assert(
    fc.property(fc.nat(size * 8 - 1), (bit) => {
      const bytes = good.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const isFlag = bit >> 3 === 4;
      assert.equal(parseImage(bytes, true, text) !== undefined, isFlag, 'the checksum does not cover the flag');
    }),
  );
  assert.equal(parseImage(new Uint8Array(3), true, text), undefined);
});

test('the newer copy counts, also when the counter wraps', () => {
  const copy = (flag: number) => ({ flag, entries: [] });
  assert.equal(newerImage(copy(1), copy(2), 'counter'), 1);
  assert.equal(newerImage(copy(2), copy(1), 'counter'), 0);
  assert.equal(newerImage(copy(255), copy(0), 'counter'), 1);
  assert.equal(newerImage(copy(0), copy(255), 'counter'), 0);
  assert.equal(newerImage(copy(7), copy(7), 'counter'), 0);
  assert.equal(newerImage(copy(obsoleteFlag), copy(activeFlag), 'active'), 1);
  assert.equal(newerImage(copy(activeFlag), copy(activeFlag), 'active'), 0);
  assert.equal(newerImage(undefined, copy(0), 'counter'), 1);
  assert.equal(newerImage(undefined, undefined, 'counter'), undefined);
  assert.equal(nextFlag(255, 'counter'), 0);
  assert.equal(nextFlag(obsoleteFlag, 'active'), activeFlag);
});

test('copies are written in turn, through more than one round of the counter', async () => {
  for (const flags of ['counter', 'active'] as const) {
    const flash = norFlash(4096, 1024);
    await flash.write(1024, image(1, '0'));
    const places = [
      { flash, offset: 0, size },
      { flash, offset: 1024, size },
    ] as const;
    const store = createEnvironmentStore({ places, flags, text });
    for (let n = 1; n < 300; n += 1) {
      await store.set({ pv_rev: String(n) });
      assert.deepEqual(await store.read(), [{ key: 'pv_rev', value: String(n) }]);
    }
    const writes = flash.writes();
    await store.set({ pv_rev: '299' });
    assert.equal(flash.writes(), writes, 'nothing changes, nothing is written');
  }
});

test('one copy is written in its place, and what is beside it stays', async () => {
  const flash = norFlash(4096, 1024);
  await flash.write(0, text.encode('before'));
  await flash.write(256, image(undefined, '0'));
  const store = createEnvironmentStore({ places: [{ flash, offset: 256, size }], flags: 'counter', text });
  await store.set({ pv_try: '1' });
  assert.deepEqual(
    (await store.read()).map(({ key }) => key),
    ['pv_rev', 'pv_try'],
  );
  assert.equal(text.decode(await flash.read(0, 6)), 'before');
});

test('an environment that is damaged is not written over, and copies that are erased together are refused', async () => {
  const flash = norFlash(4096, 1024);
  const place = (offset: number) => ({ flash, offset, size });
  const store = createEnvironmentStore({ places: [place(0), place(1024)], flags: 'counter', text });
  assert.deepEqual(await store.read(), []);
  await assert.rejects(store.set({ pv_rev: '1' }), isFailure('boot-env-damaged'));
  const together = [place(0), place(512)] as const;
  const create = () => createEnvironmentStore({ places: together, flags: 'counter', text });
  assert.throws(create, isFailure('boot-env-layout'));
});

test('the tables that the kernel and the tools use', () => {
  const table = 'dev:    size   erasesize  name\nmtd0: 00040000 00020000 "u-boot"\nmtd12: 02000000 00010000 "fit A"\n';
  assert.deepEqual(parseFlashTable(table), [
    { device: '/dev/mtd0', name: 'u-boot', size: 0x40000, eraseSize: 0x20000 },
    { device: '/dev/mtd12', name: 'fit A', size: 0x2000000, eraseSize: 0x10000 },
  ]);
  const place = { device: '/dev/mtd1', offset: 0, size: 0x4000, eraseSize: 0x10000, sectors: 1 };
  assert.match(
    formatToolConfig([place, { ...place, offset: 65536 }]),
    /^# .*\n\/dev\/mtd1\t0x0\t0x4000\t0x10000\t0x1\n/,
  );
});
