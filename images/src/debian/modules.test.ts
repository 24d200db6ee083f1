import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modulesWithDependencies, parseModuleIndex } from './modules.ts';

const index = parseModuleIndex(
  [
    'kernel/fs/overlayfs/overlay.ko:',
    'kernel/drivers/virtio/virtio-ring.ko:',
    'kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio-ring.ko',
    'kernel/drivers/net/virtio_net.ko: kernel/net/core/failover.ko kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio-ring.ko',
    'kernel/net/core/failover.ko:',
    'kernel/fs/btrfs.ko.xz:',
    'kernel/crypto/crc32c-generic.ko.xz:',
    'alias fs-btrfs btrfs',
    'softdep btrfs pre: crc32c-generic post: aes-generic elsewhere',
    'softdep crc32c_generic pre: btrfs',
    '',
  ].join('\n'),
  'kernel/fs/ext4/ext4.ko\nkernel/crypto/aes-generic.ko\n',
);

test('what a module needs comes before it, and nothing comes twice', () => {
  assert.deepEqual(modulesWithDependencies(index, ['virtio_net', 'virtio', 'overlay', 'ext4']), [
    'kernel/drivers/virtio/virtio-ring.ko',
    'kernel/drivers/virtio/virtio.ko',
    'kernel/net/core/failover.ko',
    'kernel/drivers/net/virtio_net.ko',
    'kernel/fs/overlayfs/overlay.ko',
  ]);
});

test('a hyphen in a name is an underscore', () => {
  assert.deepEqual(modulesWithDependencies(index, ['virtio-ring', 'aes_generic']), [
    'kernel/drivers/virtio/virtio-ring.ko',
  ]);
});

test('all modules that the kernel does not have are named at once', () => {
  assert.throws(
    () => modulesWithDependencies(index, ['nope', 'overlay', 'neither']),
    /modules of the kernel: nope, neither$/,
  );
});

test('what a module only wishes for is taken as far as it is there, in circles, too', () => {
  const both = ['kernel/crypto/crc32c-generic.ko.xz', 'kernel/fs/btrfs.ko.xz'];
  assert.deepEqual(modulesWithDependencies(index, ['btrfs', 'nope'], 'skip'), both);
  assert.deepEqual(modulesWithDependencies(index, ['crc32c_generic']), both.toReversed());
});
