import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Files } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { readCryptPath } from './crypt.ts';
import { diskMachine } from './testing/machine.ts';

const versatile = { name: 'secrets', type: 'dm-crypt-versatile', path: '/storage/c/versatile.img,8,key' } as const;
const target = '/run/pantavisor/media/pv/dmcrypt/secrets';

test('the path of an encrypted disk is image, size and key', () => {
  assert.deepEqual(readCryptPath(versatile), { image: '/storage/c/versatile.img', megabytes: 8, key: 'key' });
  const caam = { name: 'c', type: 'dm-crypt-caam', path: '-v2 /s/caam.img,8,key' } as const;
  assert.equal(readCryptPath(caam).image, '/s/caam.img');
  for (const path of [
    '',
    'a.img,8,k',
    '/a.img,,k',
    '/a.img,0,k',
    '/a.img,8',
    '/a.img,8,../k',
    '/a.img,8,k,x',
    '/a/,8,k',
  ])
    assert.throws(
      () => readCryptPath({ ...versatile, path }),
      /cannot open the disk secrets: its path .* cannot be read/,
      path,
    );
  assert.throws(() => readCryptPath({ ...caam, path: '/s/caam.img,8,key' }), /needs "-v2 " before it/);
});

test('any path is read or refused with a sentence', () => {
  fc.assert(
    fc.property(fc.string(), (path) => {
      try {
        const { image, megabytes } = readCryptPath({ ...versatile, path });
        assert.ok(image.startsWith('/') && megabytes >= 1);
      } catch (error) {
        assert.ok(error instanceof Failure);
      }
    }),
  );
});

test('it is made once, with a key of its own; the key is in no argument', async () => {
  const { open, files, calls, inputs, host } = await diskMachine();
  const disks = open(versatile);
  assert.equal(await disks.open('secrets'), target);
  assert.equal(disks.directory('secrets'), target);
  const key = await files.read('/storage/c/key.txt');
  assert.equal(key.length, 32);
  assert.equal((await files.status('/storage/c/key.txt'))?.mode, 0o600);
  assert.ok((await files.status('/storage/c/key.init_done')) !== undefined);
  const hex = [...key].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  assert.equal(inputs[0], `0 2048 crypt aes-cbc-essiv:sha256 ${hex} 0 /dev/loop0 0\n`);
  assert.equal(
    calls.some((call) => call.includes(hex)),
    false,
  );
  assert.ok(calls.includes('mke2fs -q -F -t ext4 -b 1024 /dev/mapper/versatile'));
  assert.ok(
    (await host.mounts.list()).some((mount) => mount.target === target && mount.source === '/dev/mapper/versatile'),
  );

  await disks.close();
  assert.equal(
    (await host.mounts.list()).some((mount) => mount.target === target),
    false,
  );
  const made = calls.filter((call) => call.startsWith('mke2fs')).length;
  await open(versatile).open('secrets');
  assert.equal(calls.filter((call) => call.startsWith('mke2fs')).length, made);
  assert.deepEqual(await files.read('/storage/c/key.txt'), key);
});

test('one that was never made is a failure where it may not be made', async () => {
  const { open } = await diskMachine();
  await assert.rejects(open(versatile).open('secrets', false), /cannot open the disk secrets: it was never made/);
});

test('a power cut while it is made leaves one that is made again', async () => {
  const { open, files, calls } = await diskMachine();
  const disks = open(versatile);
  await disks.open('secrets');
  await disks.close();
  await files.unlink('/storage/c/key.init_done');
  await open(versatile).open('secrets');
  assert.equal(calls.filter((call) => call.startsWith('mke2fs')).length, 2);
});

test('what a crash has left is used or removed, and never formatted anew: mounted, only mapped, or neither', async () => {
  const { open, files, calls, host } = await diskMachine();
  await open(versatile).open('secrets');
  await files.write(`${target}/file`, 'mine');
  const since = calls.length;
  // The runtime was killed: mapping and mount are there, and containers use them.
  assert.equal(await open(versatile).open('secrets'), target);
  assert.deepEqual(calls.slice(since), []);
  assert.equal(await files.readText(`${target}/file`), 'mine');
  // It was killed while it closed: the mapping is there without its mount.
  await host.mounts.unmount(target);
  assert.equal(await open(versatile).open('secrets'), target);
  const later = calls.slice(since).filter((call) => /^(dmsetup|mke2fs|dd)/.test(call));
  assert.deepEqual(later, ['dmsetup remove --retry versatile', 'dmsetup create versatile']);
  assert.equal(await files.status('/storage/c/versatile.img.prebak'), undefined);
});

test('a damaged one is repaired, with a copy of how it was', async () => {
  const { open, files, host, lines } = await diskMachine();
  await open(versatile).open('secrets');
  await host.mounts.unmount(target);
  const mount = host.mounts.mount;
  let failures = 1;
  host.mounts.mount = (request) => (failures-- > 0 ? Promise.reject(new Error('bad superblock')) : mount(request));
  await open(versatile).open('secrets');
  assert.ok((await files.status('/storage/c/versatile.img.prebak')) !== undefined);
  assert.ok(lines.some((line) => line.startsWith('WARN the disk secrets is repaired')));
});

test('one beyond repair is taken back to how it was made', async () => {
  const { open, host, lines } = await diskMachine({ e2fsck: () => ({ code: 4, stderr: 'beyond repair' }) });
  await open(versatile).open('secrets');
  await host.mounts.unmount(target);
  const mount = host.mounts.mount;
  let failures = 1;
  host.mounts.mount = (request) => (failures-- > 0 ? Promise.reject(new Error('bad superblock')) : mount(request));
  await open(versatile).open('secrets');
  assert.ok(lines.some((line) => line.includes('is taken back to how it was made')));
});

test('keys of chips are made and loaded with their tools', async () => {
  const keyctl = (argv: string[]) => ({ stdout: argv[1] === 'add' ? '4711\n' : argv[1] === 'pipe' ? 'sealed' : '' });
  const { open, calls, inputs } = await diskMachine({ keyctl });
  const disks = open({ name: 'caam', type: 'dm-crypt-caam', mode: 'mainline', path: '-v2 /storage/c/caam.img,8,key' });
  await disks.open('caam');
  assert.ok(calls.includes('keyctl add trusted logkey:key new 32 @u'));
  assert.ok(calls.includes('keyctl add trusted logkey:key load sealed @u'));
  assert.match(inputs[0] ?? '', /^0 2048 crypt capi:cbc\(aes\)-plain64 :32:trusted:logkey:key 0 \/dev\/loop0 0$/m);
  await assert.rejects(
    open({ name: 'dcp', type: 'dm-crypt-dcp', mode: 'unknown', path: '/storage/c/dcp.img,8,key' }).open('dcp'),
    /cannot open the disk dcp: there is no way to its key for dm-crypt-dcp in mode unknown/,
  );
});

/** The board's shell with its tools for DCP. */
const dcpShell = (files: () => Files, key: string) => async (argv: string[]) => {
  const [, , script = '', , file = ''] = argv;
  if (script.includes('x--pv-dcp-tool encrypt')) await files().write(file, 'grey');
  if (script.includes('od -An')) return { stdout: key.replaceAll(/../g, ' $&') };
  if (script.endsWith('| dcp-blob-create')) return { stdout: 'blob\n' };
  return {};
};
const dcp = { name: 'dcp', type: 'dm-crypt-dcp', path: '/storage/c/dcp.img,8,key' } as const;

test('a key of DCP is sealed and opened by the tool of the board, and stands in no argument', async () => {
  const key = '0123456789abcdef'.repeat(4);
  const machine = await diskMachine({ sh: dcpShell(() => machine.files, key) });
  const { open, files, calls, inputs } = machine;
  await open({ ...dcp, mode: 'nxp' }).open('dcp');
  assert.equal(await files.readText('/storage/c/key'), 'grey');
  assert.equal((await files.status('/storage/c/key'))?.mode, 0o600);
  assert.equal(inputs[0], `0 2048 crypt capi:cbc(aes)-essiv:sha256 ${key} 0 /dev/loop0 0\n`);
  assert.ok(calls.includes('sh -c head -c 32 /dev/urandom | x--pv-dcp-tool encrypt "$1" sh /storage/c/key.new'));
  assert.equal(
    calls.some((call) => call.includes(key)),
    false,
  );
  const broken = await diskMachine({ sh: dcpShell(() => broken.files, '00') });
  await assert.rejects(
    broken.open({ ...dcp, mode: 'nxp' }).open('dcp'),
    /cannot open the key \/storage\/c\/key: x--pv-dcp-tool gave 1 bytes and not 32/,
  );
});

test('a grey blob opens a disk of mode mainline until it is migrated, which counts when the disk is mounted', async () => {
  const keyctl = (argv: string[]) => ({ stdout: argv[1] === 'add' ? '4711\n' : '' });
  const machine = await diskMachine({ keyctl, sh: dcpShell(() => machine.files, 'ab'.repeat(32)) });
  const { open, files, calls, inputs, host } = machine;
  const first = open({ ...dcp, mode: 'nxp' });
  await first.open('dcp');
  await first.close();
  const second = open({ ...dcp, mode: 'mainline' });
  await second.open('dcp');
  await second.close();
  assert.equal(inputs.at(-1), inputs[0]?.replace('loop0', 'loop2'));

  const mount = host.mounts.mount;
  let failures = 1;
  host.mounts.mount = (request) => (failures-- > 0 ? Promise.reject(new Error('bad key')) : mount(request));
  const migrated = () => open({ ...dcp, mode: 'mainline', migrateKeyblob: true });
  await assert.rejects(migrated().open('dcp'), /cannot open the disk dcp by its migrated key: bad key/);
  assert.equal(await files.status('/storage/c/dcp.img.prebak'), undefined, 'a wrong key is no reason for a repair');
  assert.equal(await files.status('/storage/c/key.bb'), undefined, 'a key that did not open the disk is not kept');
  await migrated().open('dcp');
  assert.match(inputs.at(-1) ?? '', /^0 2048 crypt capi:cbc\(aes\)-essiv:sha256 :32:trusted:logkey:key 0 /);
  assert.equal((await files.readText('/storage/c/key.bb')).trim(), 'blob');
  assert.equal(await files.status('/storage/c/key.bb.pending'), undefined);
  assert.ok(calls.includes('keyctl add trusted logkey:key load blob @u'));
});

test('the program of the board takes the place of our own', async () => {
  const script = '/usr/lib/pantavisor/pv/volmount/crypt/crypt';
  const { open, files, calls } = await diskMachine({ [script]: () => ({}) });
  for (const directory of [
    '/usr',
    '/usr/lib',
    '/usr/lib/pantavisor',
    '/usr/lib/pantavisor/pv',
    '/usr/lib/pantavisor/pv/volmount',
    '/usr/lib/pantavisor/pv/volmount/crypt',
  ])
    await files.makeDirectory(directory).catch(() => undefined);
  await files.write(script, '#!/bin/sh\n', { mode: 0o755 });
  const disks = open({
    name: 'dcp',
    type: 'dm-crypt-dcp',
    mode: 'nxp',
    path: '/s/dcp.img,8,key',
    migrateKeyblob: true,
  });
  await disks.open('dcp');
  await disks.close();
  const to = '/run/pantavisor/media/pv/dmcrypt/dcp';
  assert.deepEqual(calls, [
    `${script} mount --type dcp --mode nxp --migrate-keyblob -- /s/dcp.img,8,key ${to}`,
    `${script} umount --type dcp --mode nxp -- /s/dcp.img,8,key ${to}`,
  ]);
});
