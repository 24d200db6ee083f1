import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../runtime/failure.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { diskMachine } from './testing/machine.ts';
import { mountVerity, readSuperblock, verityName, verityTarget } from './verity.ts';

function superblock(change: (view: DataView, bytes: Uint8Array) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(512);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('verity'));
  view.setUint32(8, 1, true);
  view.setUint32(12, 1, true);
  bytes.set(new TextEncoder().encode('sha256'), 32);
  view.setUint32(64, 4096, true);
  view.setUint32(68, 4096, true);
  view.setUint32(72, 10, true);
  view.setUint16(80, 2, true);
  bytes.set([0xab, 0xcd], 88);
  change(view, bytes);
  return bytes;
}

const root = '11'.repeat(32);

test('a superblock becomes the table of the kernel', () => {
  const block = readSuperblock(superblock(), '/x');
  assert.deepEqual(block, {
    hashType: 1,
    algorithm: 'sha256',
    dataBlockSize: 4096,
    hashBlockSize: 4096,
    dataBlocks: 10,
    salt: 'abcd',
  });
  assert.equal(
    verityTarget(block, '/dev/loop0', '/dev/loop1', root, []),
    `verity 1 /dev/loop0 /dev/loop1 4096 4096 10 1 sha256 ${root} abcd`,
  );
  assert.match(
    verityTarget(block, 'a', 'b', root, ['--panic-on-corruption', '--unknown', '--check-at-most-once']),
    / abcd 2 panic_on_corruption check_at_most_once$/,
  );
});

test('a superblock that is none is refused, whatever it holds', () => {
  const refused = (change: Parameters<typeof superblock>[0]) =>
    assert.throws(() => readSuperblock(superblock(change), '/x'), /cannot use the hash tree \/x/);
  refused((_, bytes) => bytes.set([0]));
  refused((view) => view.setUint32(8, 2, true));
  refused((view) => view.setUint16(80, 300, true));
  refused((view) => view.setUint32(64, 1000, true));
  refused((_, bytes) => bytes.set(new TextEncoder().encode('sha 1 0'), 32));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      try {
        readSuperblock(bytes, '/x');
      } catch (error) {
        assert.ok(error instanceof Failure);
      }
    }),
  );
});

const volume = { source: '/storage/trails/0/app/root.squashfs', container: 'app', file: 'root.squashfs' };

async function machineWith(manifest: unknown, bytes = superblock()) {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const machine = await diskMachine({ od: () => ({ stdout: ` ${hex}\n` }) });
  await makeDirectories(machine.files, '/storage/trails/0/app/_dm');
  await machine.files.write('/storage/trails/0/app/_dm/root.squashfs.json', JSON.stringify(manifest));
  await machine.files.write(volume.source, 'data');
  return machine;
}

const manifest = {
  type: 'dm-verity',
  data_device: 'root.squashfs',
  hash_device: 'root.squashfs.hash',
  root_hash: root,
};

test('a verified volume is opened read-only and mounted under the name of the original', async () => {
  const { host, inputs, calls } = await machineWith(manifest);
  await mountVerity(host, volume, '/volumes/app/root.squashfs', []);
  assert.equal(verityName(volume), 'pv--dmverity--app-root');
  assert.equal(inputs[0], `0 80 verity 1 /dev/loop0 /dev/loop1 4096 4096 10 1 sha256 ${root} abcd\n`);
  assert.ok(calls.includes('losetup -r /dev/loop0 /storage/trails/0/app/root.squashfs'));
  assert.ok(calls.includes('dmsetup create pv--dmverity--app-root --readonly'));
  const mount = (await host.mounts.list()).find(({ target }) => target === '/volumes/app/root.squashfs');
  assert.equal(mount?.source, '/dev/mapper/pv--dmverity--app-root');
});

test('a manifest that leads elsewhere, or holds no hash, is refused', async () => {
  for (const [wrong, why] of [
    [{ ...manifest, type: 'x' }, /its type is "x" and not "dm-verity"/],
    [{ ...manifest, data_device: '../other/root.squashfs' }, /data_device is no name of a file beside the volume/],
    [{ ...manifest, hash_device: '/dev/vda' }, /hash_device is no name/],
    [{ ...manifest, root_hash: 'xyz; reboot' }, /root_hash is no hash/],
    [null, /cannot use .*root\.squashfs\.json: its type is undefined/],
  ] as const) {
    const { host } = await machineWith(wrong);
    await assert.rejects(mountVerity(host, volume, '/volumes/app/root.squashfs', []), why);
  }
});

test('a volume that cannot be mounted leaves nothing open', async () => {
  const { host, calls } = await machineWith(manifest);
  host.mounts.mount = () => Promise.reject(new Error('EIO'));
  await assert.rejects(
    mountVerity(host, volume, '/volumes/app/root.squashfs', []),
    /cannot mount the verified volume root.squashfs of app/,
  );
  assert.equal(calls.at(-1), 'dmsetup remove --retry pv--dmverity--app-root');
});
