import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { findInLayers } from './layers.ts';

test('paths are found in the topmost layer, through links as the container would follow them', async () => {
  const { files } = createMemoryHost();
  for (const directory of ['/up/etc', '/low/usr/bin', '/low/etc']) await makeDirectories(files, directory);
  await files.write('/low/usr/bin/init', 'low');
  await files.write('/low/etc/name', 'low');
  await files.write('/up/etc/name', 'up');
  await files.symlink('usr/bin', '/low/bin');
  await files.symlink('/bin/init', '/up/start');
  await files.symlink('../../start', '/low/etc/init');
  await files.symlink('loop', '/low/loop');
  const find = async (path: string) => (await findInLayers(files, ['/up', '/low'], path))?.path;
  assert.equal(await find('/etc/name'), '/up/etc/name');
  assert.equal(await find('/bin/init'), '/low/usr/bin/init');
  assert.equal(await find('/start'), '/low/usr/bin/init');
  assert.equal(await find('/etc/init'), '/low/usr/bin/init');
  assert.equal(await find('/etc/../../start'), '/low/usr/bin/init');
  assert.equal(await find('/loop'), undefined);
  assert.equal(await find('/none/x'), undefined);
});
