import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { fillCredentialsVolume } from './credentials-volume.ts';

const [from, to] = ['/storage/config', '/volumes/bsp/pv--phconfig'];

async function machine(...present: string[]) {
  const { files } = createMemoryHost();
  for (const directory of [from, to]) await makeDirectories(files, directory);
  for (const path of present) await files.write(path, `of ${path}`);
  return { files, fill: () => fillCredentialsVolume(files, from, to) };
}

test('a new volume gets what the image says of its hub and who the device is, for root alone', async () => {
  const { files, fill } = await machine(`${from}/pantahub.config`, `${from}/unclaimed.config`);
  assert.deepEqual(await fill(), ['unclaimed.config', 'pantahub.config']);
  assert.equal(await files.readText(`${to}/pantahub.config`), `of ${from}/pantahub.config`);
  assert.equal((await files.status(`${to}/unclaimed.config`))?.mode, 0o600);
  assert.deepEqual(await fill(), []);
});

test('a volume that has been used keeps what it has, and does not get back what it has left behind', async () => {
  const claimed = await machine(`${from}/pantahub.config`, `${from}/unclaimed.config`, `${to}/pantahub.config`);
  assert.deepEqual(await claimed.fill(), []);
  assert.equal(await claimed.files.status(`${to}/unclaimed.config`), undefined);
  const registered = await machine(`${from}/unclaimed.config`, `${to}/unclaimed.config`);
  assert.deepEqual(await registered.fill(), []);
  assert.equal(await registered.files.readText(`${to}/unclaimed.config`), `of ${to}/unclaimed.config`);
});

test('a power cut between the two files loses neither', async () => {
  const cut = await machine(`${from}/pantahub.config`, `${from}/unclaimed.config`, `${to}/unclaimed.config`);
  assert.deepEqual(await cut.fill(), ['pantahub.config']);
  assert.deepEqual(await (await machine()).fill(), []);
});
