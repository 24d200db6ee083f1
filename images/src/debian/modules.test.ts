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
