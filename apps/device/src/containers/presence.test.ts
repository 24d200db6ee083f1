import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { preparePresence, presenceDirectory, relinkSockets, removePresence } from './presence.ts';

const places = {
  run: '/run/pv',
  logs: '/data/logs',
};

async function machine() {
  const { files } = createMemoryHost();
  await makeDirectories(files, places.run);
  await files.write(`${places.run}/pv-ctrl`, 'first');
  return files;
}

test('a plain container gets a directory of its own with the sockets and its own logs and metadata', async () => {
  const files = await machine();
  const binds = await preparePresence(files, places, { name: 'web', mgmt: false }, 'locals/x', '/lib/init');
  const own = presenceDirectory(places, 'web');
  assert.deepEqual(
    binds.map(({ source, target, readOnly }) => [source, target, readOnly]),
    [
      [own, 'pantavisor', true],
      ['/data/logs/locals/x/web', 'pantavisor/logs', true],
      ['/run/pv/user-meta.web', 'pantavisor/user-meta', true],
      ['/run/pv/device-meta.web', 'pantavisor/device-meta', true],
      ['/lib/init', 'pantavisor/.init', true],
    ],
  );
  for (const { source } of binds.slice(0, 4)) assert.equal((await files.status(source))?.kind, 'directory', source);
  const names = (await files.list(own)).map(({ name }) => name);
  assert.deepEqual(names, ['.init', 'device-meta', 'logs', 'pv-ctrl', 'user-meta']);
  await removePresence(files, places, 'web');
  assert.equal(await files.status(own), undefined);
});

test('a managing container sees the run directory, all logs and all metadata', async () => {
  const files = await machine();
  const binds = await preparePresence(files, places, { name: 'boss', mgmt: true }, '0', undefined);
  assert.deepEqual(
    binds.map(({ source, target }) => [source, target]),
    [
      ['/run/pv', 'pantavisor'],
      ['/data/logs', 'pantavisor/logs'],
    ],
  );
});

test('the sockets of a new runtime take the place of the old ones, in the directory that the container has mounted', async () => {
  const files = await machine();
  await preparePresence(files, places, { name: 'web', mgmt: false }, '0', undefined);
  const own = presenceDirectory(places, 'web');
  const directory = (await files.status(own))?.inode;
  await files.unlink(`${places.run}/pv-ctrl`);
  await files.write(`${places.run}/pv-ctrl`, 'second');
  await relinkSockets(files, places, ['web', 'never-started']);
  assert.equal(await files.readText(`${own}/pv-ctrl`), 'second');
  assert.equal((await files.status(own))?.inode, directory);
  await relinkSockets(files, places, ['web']);
  assert.deepEqual(
    (await files.list(own)).filter(({ name }) => name.startsWith('.')),
    [],
  );
});
