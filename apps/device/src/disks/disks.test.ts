import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeDirectories } from '../volumes/directories.ts';
import { readMountOptions } from './mount-options.ts';
import { parseSize } from './swap.ts';
import { diskMachine } from './testing/machine.ts';

async function withZram(count: number) {
  const machine = await diskMachine();
  for (let index = 0; index < count; index += 1) {
    await makeDirectories(machine.files, `/sys/block/zram${index}`);
    await machine.files.write(`/sys/block/zram${index}/initstate`, '0\n');
    machine.host.machine.blockDevices.set(`/dev/zram${index}`, undefined);
  }
  return machine;
}

test('sizes and mount options are read as people write them', () => {
  assert.deepEqual(['4096', '64M', '1G', '2k', '64MiB', 'x', ''].map(parseSize), [
    4096,
    64 << 20,
    1 << 30,
    2048,
    64 << 20,
    undefined,
    undefined,
  ]);
  assert.deepEqual(readMountOptions('MS_NOATIME, MS_NODEV,MS_FAST'), {
    flags: ['noatime', 'nodev'],
    unknown: ['MS_FAST'],
  });
  assert.deepEqual(readMountOptions(undefined), { flags: [], unknown: [] });
});

test('swap in compressed memory: attributes first, used once, given back', async () => {
  const { files, calls, open } = await withZram(1);
  const swap = {
    name: 's',
    type: 'swap-disk',
    provision: 'zram',
    provisionOptions: 'comp_algorithm=lz4 disksize=64M',
  } as const;
  const disks = open(swap);
  await disks.openSwaps();
  assert.equal(await files.readText('/sys/block/zram0/comp_algorithm'), 'lz4');
  assert.equal(await files.readText('/sys/block/zram0/disksize'), '64M');
  await open(swap).openSwaps();
  assert.deepEqual(calls, ['modprobe -q zram', 'mkswap /dev/zram0', 'swapon /dev/zram0']);
  await disks.close();
  assert.equal(await files.readText('/sys/block/zram0/reset'), '1');
  assert.equal(calls.at(-1), 'swapoff /dev/zram0');
});

test('a swap file has the size that was asked for, and is for root alone', async () => {
  const { files, calls, open } = await diskMachine();
  await open({
    name: 's',
    type: 'swap-disk',
    provision: 'file',
    path: '/storage/swap',
    provisionOptions: 'size=1M',
  }).openSwaps();
  assert.ok(calls.includes('dd if=/dev/zero of=/storage/swap bs=65536 count=16'));
  assert.equal((await files.status('/storage/swap'))?.mode, 0o600);
  const none = open({ name: 'n', type: 'swap-disk' });
  await assert.rejects(none.openSwaps(), /cannot use the swap disk n: it has no provision/);
});

test('a disk in compressed memory is formatted each time, and what cannot be used is said', async () => {
  const { calls, open, host, lines } = await withZram(1);
  const fast = {
    name: 'fast',
    type: 'volume-disk',
    provision: 'zram',
    provisionOptions: 'disksize=8M',
    format: 'ext4',
    mountOptions: 'MS_NODEV,MS_X',
  } as const;
  const disks = open(fast);
  const directory = await disks.open('fast');
  const mount = (await host.mounts.list()).find(({ target }) => target === directory);
  assert.equal(mount?.source, '/dev/zram0');
  assert.ok(calls.includes('mke2fs -q -F -t ext4 /dev/zram0'));
  assert.deepEqual(lines, ['WARN cannot use the mount option "MS_X" of the disk fast']);
  await disks.close();
  await assert.rejects(open({ ...fast, format: 'swap' }).open('fast'), /its format is "swap"/);
  await assert.rejects(open({ ...fast, provisionOptions: '../x=1' }).open('fast'), /is not attribute=value/);
});

test('directories, and the two kinds of directories that are disks', async () => {
  const { files, open } = await diskMachine();
  const disks = open({ name: 'a', type: 'directory', path: '/storage/a/' }, { name: 'b', type: 'volume-disk' });
  assert.equal(await disks.open('a'), '/storage/a');
  assert.equal(await disks.open('b'), '/storage/pv/volume-disk/b');
  assert.equal((await files.status('/storage/a'))?.kind, 'directory');
  await assert.rejects(disks.open('c'), /cannot open the disk c: there is no such disk/);
  await assert.rejects(
    open({ name: 'r', type: 'directory', path: 'x' }).open('r'),
    /its path is no absolute directory/,
  );
});

test('dual: the first step that succeeds counts', async () => {
  const { open, files, lines } = await diskMachine();
  const disks = open(
    { name: 'bad', type: 'directory', path: 'relative' },
    { name: 'good', type: 'directory', path: '/storage/good' },
    { name: 'either', type: 'dual', disks: ['bad', 'good'], initOrder: ['primary', 'secondary'] },
    { name: 'neither', type: 'dual', disks: ['bad'], initOrder: ['primary', 'secondary'] },
  );
  assert.equal(await disks.open('either'), '/storage/good');
  assert.ok((await files.status('/storage/pv/dual/dual_bad_good.init_done')) !== undefined);
  assert.equal(lines.length, 1);
  await assert.rejects(disks.open('neither'), /no step succeeds: primary: .*; secondary: there is no second disk/);
});

test('dual: what is moved once is compared by its content, and moved once', async () => {
  let damage = false;
  const machine = await diskMachine({
    cp: async ([, , from = '', to = '']) => {
      const name = from.slice(from.lastIndexOf('/') + 1);
      await machine.files.write(`${to}${name}`, damage ? 'other' : await machine.files.readText(from));
      return {};
    },
  });
  const { open, files, calls } = machine;
  await makeDirectories(files, '/storage/old/lost+found');
  await files.write('/storage/old/file', 'content');
  const list = [
    { name: 'new', type: 'directory', path: '/storage/new' },
    { name: 'old', type: 'directory', path: '/storage/old' },
    { name: 'moved', type: 'dual', disks: ['new', 'old'], initOrder: ['copy-once-to-primary', 'primary'] },
  ] as const;
  const disks = () =>
    open(
      ...list.map((one) => ({
        ...one,
        disks: [...('disks' in one ? one.disks : [])],
        initOrder: [...('initOrder' in one ? one.initOrder : [])],
      })),
    );
  // What has not arrived whole does not count, or what is on the old disk would be gone for whoever looks; it is tried again.
  damage = true;
  await assert.rejects(
    disks().open('moved'),
    /copy-once-to-primary: .*what arrived at \/storage\/new\/file differs; primary: what was moved to new is not whole/,
  );
  assert.equal(await files.status('/storage/pv/dual/dual_new_old.init_done'), undefined);
  // Nor does it when the old disk is not there any more.
  await files.rename('/storage/old/file', '/storage/old/gone');
  await assert.rejects(disks().open('moved'), /primary: what was moved to new is not whole/);
  await files.rename('/storage/old/gone', '/storage/old/file');
  damage = false;
  assert.equal(await disks().open('moved'), '/storage/new');
  assert.equal(await files.readText('/storage/new/file'), 'content');
  const copies = calls.filter((call) => call.startsWith('cp')).length;
  await disks().open('moved');
  assert.equal(calls.filter((call) => call.startsWith('cp')).length, copies);
});
