/** The initramfs as a file: what is in it, and that the same inputs give the same bytes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { buildInitramfs, buildModuleAddon } from '@pantavisor/images/initramfs';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { debianCache, executableFor, largestInitramfs } from './harness.ts';

const unpacked = (path: string) => zstdDecompressSync(readFileSync(path));
const paths = (path: string) =>
  execFileSync('cpio', ['-t', '--quiet'], { input: unpacked(path), encoding: 'utf8' })
    .trim()
    .split('\n');

test('it holds what a device needs in at most 6 MB, says where each file is from, and is the same each time', {
  timeout: 600_000,
}, async (t) => {
  const executable = executableFor('x64');
  const build = (compression: 'zstd' | 'fast') =>
    buildInitramfs({
      architecture: 'amd64',
      packages: debianCache,
      folder: temporaryDirectory(t),
      executable,
      compression,
    });
  const first = await build('zstd');
  const second = await build('fast');
  // Once is enough for the compression that takes its time.
  assert.ok(unpacked(first.path).equals(unpacked(second.path)));
  assert.ok(first.size <= largestInitramfs, `${first.size} bytes`);

  const entries = new Set(paths(first.path));
  for (const path of [
    ...[
      'init',
      'usr/bin/pantavisor',
      'usr/bin/pvcontrol',
      'usr/bin/lxc-start',
      'usr/bin/nsenter',
      'sbin/e2fsck',
      'sbin/resize2fs',
    ],
    ...[
      'sbin/mke2fs',
      'sbin/dmsetup',
      'sbin/modprobe',
      'bin/sh',
      'lib64/ld-linux-x86-64.so.2',
      'etc/pantavisor.config',
      'dev/console',
    ],
    ...['storage', 'volumes', 'var/run', 'etc/pantavisor/policies/prod.config', 'etc/pantavisor/defaults/groups.json'],
  ])
    assert.ok(entries.has(path), path);
  for (const [path, { origin, why }] of first.tree) assert.ok(origin !== '' && why !== '', path);
  assert.equal(
    paths(first.path).some((path) => path.endsWith('.ko')),
    false,
  );
});

test('configuration and files of a board are added', { timeout: 600_000 }, async (t) => {
  const content = new TextEncoder().encode('board');
  const { tree } = await buildInitramfs({
    architecture: 'amd64',
    packages: debianCache,
    folder: temporaryDirectory(t),
    executable: executableFor('x64'),
    compression: 'fast',
    configuration: { PV_BOOTLOADER_TYPE: 'grub', PV_LOG_LEVEL: '5' },
    files: new Map([['etc/board', { kind: 'file', mode: 0o644, content }]]),
  });
  assert.equal(tree.get('etc/board')?.origin, 'pantavisor');
  const config = tree.get('etc/pantavisor.config')?.entry;
  assert.ok(config?.kind === 'file');
  const text = new TextDecoder().decode(config.content);
  assert.match(text, /^PV_BOOTLOADER_TYPE=grub$/m);
  assert.match(text, /^PV_LOG_LEVEL=5$/m);
  assert.match(text, /^PV_STORAGE_DEVICE=LABEL=root$/m);
});

test('modules come with what they depend on, and an index that fits', { timeout: 600_000 }, async (t) => {
  const addon = await buildModuleAddon({
    architecture: 'amd64',
    packages: debianCache,
    folder: temporaryDirectory(t),
    compression: 'fast',
  });
  const entries = paths(addon.path);
  const folder = `lib/modules/${addon.kernel.release}`;
  for (const name of [
    'virtio_blk',
    'virtio_ring',
    'squashfs',
    'loop',
    'overlay',
    'dm-verity',
    'dm-bufio',
    'dm-crypt',
    'zram',
    'softdog',
  ])
    assert.ok(
      entries.some((path) => path.startsWith(folder) && path.endsWith(`/${name}.ko`)),
      name,
    );
  for (const name of ['modules.dep', 'modules.alias']) assert.ok(entries.includes(`${folder}/${name}`), name);
  assert.ok(entries.includes('lib/modules-load.d/pantavisor.conf'));
});
