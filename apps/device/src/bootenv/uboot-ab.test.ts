import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { Failure } from '../runtime/failure.ts';
import { writeDurable } from '../storage/durable.ts';
import { norFlash } from './testing/nor-flash.ts';
import { ubootAbEnvironment } from './uboot-ab.ts';
import { formatImage } from './uboot-env-image.ts';
import { createEnvironmentStore } from './uboot-env-store.ts';

const isFailure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;

/** A device whose committed revision `0` is in partition A, written by somebody else. */
async function device() {
  const { files, text, hashing } = createMemoryHost();
  const [a, b, env] = [norFlash(32768, 4096), norFlash(32768, 4096), norFlash(8192, 4096)];
  await a.write(0, text.encode('fit_rev=0\n'));
  await a.write(4096, text.encode('image 0'));
  await env.write(0, formatImage({ flag: 1, entries: [] }, 4096, text));
  const place = (offset: number) => ({ flash: env, offset, size: 4096 });
  const environment = createEnvironmentStore({ places: [place(0), place(4096)], flags: 'counter', text });
  const open = () => ubootAbEnvironment({ files, text, hashing, environment, running: '0', partitions: [a, b] });
  const fit = async (content: string | Uint8Array) => {
    await writeDurable(files, '/pantavisor.fit', content);
    return '/';
  };
  const header = async (flash: typeof a) => text.decode(await flash.read(0, 64)).split(/\0|\n/)[0];
  return { a, b, open, fit, header, environment };
}

test('images go to erased flash, and not again when they are there', async () => {
  const { b, open, fit, header } = await device();
  await open().install('1', await fit('x'.repeat(9000)));
  assert.equal(await header(b), 'fit_rev=1');
  await open().install('2', await fit('y'.repeat(5000)));
  assert.equal(await header(b), 'fit_rev=2');
  const writes = b.writes();
  await open().install('2', await fit('y'.repeat(5000)));
  assert.equal(b.writes(), writes);
  await open().install('2', await fit('z'.repeat(5000)));
  assert.ok(b.writes() > writes, 'the same name with another image is another image');
});

test('an image is written again when its erasing was cut off and has left the header', async () => {
  const { b, open, fit } = await device();
  await open().install('1', await fit('x'.repeat(9000)));
  await b.erase(4096, b.size - 4096);
  await open().install('1', await fit('x'.repeat(9000)));
  assert.deepEqual(await b.read(4096, 9000), new Uint8Array(9000).fill(0x78));
});

test('the image of the committed revision is left alone', async () => {
  const { a, open, fit, header } = await device();
  const writes = a.writes();
  await open().install('0', await fit('image 0'));
  await assert.rejects(open().install('0', await fit('image X')), isFailure('boot-image-committed'));
  await open().install('1', await fit('image 0'));
  assert.equal(a.writes(), writes);
  assert.equal(await header(a), 'fit_rev=0');
});

test('a device whose images belong to nobody says so', async () => {
  const { open, fit, environment } = await device();
  await environment.set({ pv_rev: '9' });
  await assert.rejects(open().read(), isFailure('boot-image-unknown'));
  await assert.rejects(open().install('1', await fit('image')), isFailure('boot-image-unknown'));
});

test('an image that is too large is refused before anything is erased', async () => {
  const { b, open, fit, header } = await device();
  await open().install('1', await fit('image'));
  await assert.rejects(open().install('2', await fit(new Uint8Array(32768 - 4095))), isFailure('boot-image-size'));
  assert.equal(await header(b), 'fit_rev=1');
});

test('flash that does not keep what is written gets no header', async () => {
  const { b, open, fit, header } = await device();
  const broken = { ...b, erase: async () => {} };
  await open().install('1', await fit('first image'));
  Object.assign(b, broken);
  await assert.rejects(open().install('2', await fit('other image')), isFailure('boot-image-write'));
  assert.notEqual(await header(b), 'fit_rev=2');
});
