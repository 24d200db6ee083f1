/** Disks, verified volumes and what the board brings, with a kernel that has device-mapper. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { debianKernel } from '@pantavisor/images/debian';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { probeContainer } from '../harness/revision.ts';
import { assertShown, assertSound, type StateEditor, storageDisk } from './device-image.ts';
import { debianCache, machineMissing } from './harness.ts';
import { boot, inside, powerOff, ready } from './shell.ts';

const skip = machineMissing();
const secret = 'the-secret-that-nobody-outside-may-read';

/** Modules that containers need, as the content of a board's modules.squashfs: those of the initramfs give way to them. */
async function boardModules(folder: string): Promise<Record<string, string | Uint8Array>> {
  const { release, modules } = await debianKernel('amd64', debianCache);
  const tree = join(folder, 'modules', 'lib/modules', release);
  const files: Record<string, string | Uint8Array> = { 'proof.txt': 'modules of the board' };
  for (const path of ['kernel/fs/overlayfs/overlay.ko', 'kernel/drivers/net/veth.ko']) {
    cpSync(join(modules, path), join(tree, path));
    files[path] = readFileSync(join(modules, path));
  }
  execFileSync('depmod', ['-b', join(folder, 'modules'), release], { stdio: 'ignore' });
  for (const name of ['modules.dep', 'modules.alias', 'modules.symbols']) files[name] = readFileSync(join(tree, name));
  return files;
}

function withDisks(editor: StateEditor, modules: Record<string, string | Uint8Array>): void {
  editor.board({ modules, firmware: { 'board.fw': 'firmware of the board' } });
  editor.json('device.json', {
    ...(editor.state['device.json'] as object),
    disks_v2: [
      {
        name: 'secrets',
        type: 'dm-crypt-versatile',
        path: '/storage/dm-crypt-files/secrets/versatile.img,4,versatile_key',
      },
      { name: 'swap', type: 'swap-disk', provision: 'zram', provision_options: 'comp_algorithm=lzo-rle disksize=16M' },
      {
        name: 'fast',
        type: 'volume-disk',
        provision: 'zram',
        provision_options: 'disksize=8M',
        format: 'ext4',
        mount_options: 'MS_NOATIME,MS_NODEV',
      },
      { name: 'place', type: 'directory', path: '/storage/place' },
      { name: 'either', type: 'dual', disks: ['place', 'secrets'], init_order: ['primary', 'secondary'] },
    ],
    volumes: {
      'pv--usrmeta': { persistence: 'permanent', disk: 'secrets' },
      'pv--devmeta': { persistence: 'permanent', disk: 'secrets' },
    },
  });
}

test('encrypted, compressed and plain disks: mounted, kept over a restart, unreadable outside', {
  skip,
  timeout: 900_000,
}, async (t) => {
  const onDisk = (name: string) => ({
    runJson: { storage: { 'lxc-overlay': { persistence: 'boot' }, data: { persistence: 'permanent', disk: name } } },
  });
  const recipe = [
    probeContainer('vault', ['init'], onDisk('secrets')),
    probeContainer('quick', ['init'], onDisk('fast')),
    probeContainer('plain', ['init'], onDisk('place')),
    probeContainer('two', ['init'], onDisk('either')),
  ];
  const modules = await boardModules(temporaryDirectory(t));
  const disk = await storageDisk(t, recipe, { edit: (editor) => withDisks(editor, modules) });
  const first = await boot(t, disk, 'PV_STORAGE_FIRMWARE_VOL=1');
  await first.console.waitFor(ready);
  const seen = await inside(
    first,
    `cat /proc/swaps /proc/mounts; ls /run/pantavisor/pv; cat /lib/firmware/board.fw /lib/modules/*/proof.txt; ` +
      `echo ${secret} > /volumes/vault/data/secret; pvcontrol usrmeta save word ${secret}-too; pvcontrol usrmeta ls; ls -l /storage/pv/dual`,
  );
  assert.match(seen, /^\/dev\/zram\d+ +partition/m);
  assert.match(seen, /^\/dev\/mapper\/versatile \/run\/pantavisor\/media\/pv\/dmcrypt\/secrets ext4 rw,noatime/m);
  assert.match(seen, /^\/dev\/zram\d+ \/run\/pantavisor\/media\/pv\/dmcrypt\/fast ext4 rw,nodev,noatime/m);
  assert.match(seen, /^\/dev\/mapper\/versatile \/volumes\/bsp\/pv--usrmeta ext4/m);
  assertShown(first.console, /PV_STORAGE_FIRMWARE_VOL=1, but device.json has no volume pv--firmware/);
  assert.match(seen, /firmware of the board/);
  assert.match(seen, /modules of the board/);
  assert.match(seen, /dual_place_secrets.init_done/);
  assert.match(seen, new RegExp(`word.*${secret}-too`));
  await powerOff(first);
  assertSound(disk);
  const bytes = readFileSync(disk);
  assert.equal(bytes.includes(secret), false, 'the secret can be read outside');

  const second = await boot(t, disk);
  await second.console.waitFor(ready);
  const again = await inside(
    second,
    'cat /volumes/vault/data/secret; pvcontrol usrmeta ls; dmsetup table versatile | cut -d" " -f1-4',
  );
  assert.match(again, new RegExp(`^${secret}$`, 'm'));
  assert.match(again, new RegExp(`word.*${secret}-too`));
  assert.match(again, /^0 8192 crypt aes-cbc-essiv:sha256/m);
  await powerOff(second);
});

/** Turns the root volume of a container into a verified one, as `pvr dm-convert` does. */
function verify(editor: StateEditor, name: string, damage: boolean): void {
  const image = editor.pathOf(`${name}/root.squashfs`);
  const data = readFileSync(image);
  const padded = Buffer.concat([data, Buffer.alloc((4096 - (data.length % 4096)) % 4096)]);
  editor.object(`${name}/root.squashfs`, padded);
  const file = editor.pathOf(`${name}/root.squashfs`);
  const tree = join(editor.folder, `${name}.hash`);
  const said = execFileSync('veritysetup', ['format', file, tree], { encoding: 'utf8' });
  const rootHash = /Root hash:\s+([0-9a-f]+)/.exec(said)?.[1];
  editor.object(`${name}/root.squashfs.hash`, readFileSync(tree));
  editor.json(`${name}/_dm/root.squashfs.json`, {
    type: 'dm-verity',
    data_device: 'root.squashfs',
    hash_device: 'root.squashfs.hash',
    root_hash: rootHash,
  });
  if (!damage) return;
  // In the middle of the largest file, where only a reader of that block notices.
  padded[Math.floor(padded.length / 2)]! ^= 1;
  writeFileSync(file, padded);
}

test('a verified volume runs, and one flipped bit is detected', { skip, timeout: 900_000 }, async (t) => {
  const verified = { runJson: { 'root-volume': 'dm:root.squashfs' } };
  const recipe = [
    probeContainer('whole', ['init'], verified),
    {
      ...probeContainer('flipped', ['init'], verified),
      rootfs: { files: { '/sbin/init': { text: '#!/bin/sh\nexec sleep 100000\n', executable: true } } },
    },
  ];
  const edit = (editor: StateEditor) => {
    editor.board();
    verify(editor, 'whole', false);
    verify(editor, 'flipped', true);
  };
  const machine = await boot(t, await storageDisk(t, recipe, { edit }));
  await machine.console.waitFor(/\[containers\] whole STARTING -> STARTED/);
  await machine.console.waitFor(/\[containers\] flipped \S+ -> MOUNTED/);
  const seen = await inside(machine, 'dmsetup ls; grep whole /proc/mounts');
  assert.match(seen, /pv--dmverity--whole-root/);
  assert.match(seen, /^\/dev\/mapper\/pv--dmverity--whole-root \/volumes\/whole\/root.squashfs squashfs ro/m);
  const copied = await inside(
    machine,
    'cat $(find /volumes/flipped -type f) > /dev/null; cat $(find /volumes/whole -type f) > /dev/null && echo "whole is readable"',
  );
  assert.match(copied, /whole is readable/);
  await machine.console.waitFor(/device-mapper: verity: \S+: data block \d+ is corrupted/);
  await powerOff(machine);
  assertShown(machine.console, /pantavisor: switching the machine off/);
});
