import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Volume } from '@pantavisor/state';
import { createMemoryHost } from '../host/memory/host.ts';
import { makeMemoryImage } from '../host/memory/images.ts';
import { makeDirectories } from './directories.ts';
import { programHandlers } from './handlers.ts';
import { MountLedger } from './ledger.ts';
import { planVolumes, type VolumeContext } from './plan.ts';
import { mountVolumes, mustWait, settleVolumes, unmountVolumes, type VolumeRoom } from './volumes.ts';

const image = (file: string, more: Partial<Extract<Volume, { source: 'image' }>> = {}): Volume => ({
  source: 'image',
  file,
  kind: 'image',
  filesystem: 'squashfs',
  root: false,
  ...more,
});
const storage = (name: string, persistence: 'permanent' | 'revision' | 'boot', disk?: string): Volume => ({
  source: 'storage',
  name,
  persistence,
  ...(disk === undefined ? {} : { disk }),
});

const planOf = (volumes: Volume[], context: Partial<VolumeContext> = {}) =>
  planVolumes({ name: 'web', volumes } as Container, {
    places: { storage: '/data' },
    revision: 'locals/x',
    trail: '/data/trails/locals/x/web',
    target: '/v/web',
    diskRoot: (name) => (name === 'big' ? '/media/big' : undefined),
    handlers: true,
    ...context,
  });

test('each kind of volume is planned by its rule', () => {
  const steps = planOf([
    image('root.squashfs', { root: true }),
    image('app.squashfs', { handler: 'dm' }),
    image('hosts.bind', { kind: 'bind' }),
    image('tree.data', { kind: 'data' }),
    storage('keep', 'permanent'),
    storage('rev', 'revision', 'big'),
    storage('tmp', 'boot'),
    storage('scratch', 'boot', 'big'),
    storage('lost', 'permanent', 'gone'),
  ]);
  const trail = '/data/trails/locals/x/web';
  assert.deepEqual(steps, [
    { kind: 'image', source: `${trail}/root.squashfs`, target: '/v/web/root.squashfs', filesystem: 'squashfs' },
    {
      kind: 'handler',
      handler: 'dm',
      source: `${trail}/app.squashfs`,
      target: '/v/web/app.squashfs',
      file: 'app.squashfs',
    },
    { kind: 'bind-file', source: `${trail}/hosts.bind`, target: '/v/web/hosts.bind' },
    { kind: 'bind-tree', source: `${trail}/tree.data`, target: '/v/web/tree.data' },
    { kind: 'bind-storage', source: '/data/disks/perm/web/keep', target: '/v/web/keep', wipe: false },
    { kind: 'bind-storage', source: '/media/big/rev/locals/x/web/rev', target: '/v/web/rev', wipe: false },
    { kind: 'temporary', target: '/v/web/tmp' },
    { kind: 'bind-storage', source: '/media/big/boot/web/scratch', target: '/v/web/scratch', wipe: true },
    { kind: 'disk-missing', disk: 'gone', target: '/v/web/lost' },
  ]);
  const plain = planOf([image('app.squashfs', { handler: 'dm' })], { handlers: false });
  assert.equal(plain[0]?.kind, 'image');
});

async function machine(): Promise<VolumeRoom & { host: ReturnType<typeof createMemoryHost> }> {
  const host = createMemoryHost({ programs: {} });
  await makeDirectories(host.files, '/trail/tree.data');
  await makeDirectories(host.files, '/v');
  await host.files.write('/trail/root.squashfs', makeMemoryImage({ '/sbin/init': 'x' }));
  await host.files.write('/trail/hosts.bind', 'hosts');
  const ledger = await MountLedger.read(host.mounts, ['/v']);
  return { host, ledger, handlers: programHandlers(host, '/lib/pv', '/v', () => []) };
}

const everyKind = (target: string, more: Volume[] = []) =>
  planOf(
    [
      image('root.squashfs'),
      image('hosts.bind', { kind: 'bind' }),
      image('tree.data', { kind: 'data' }),
      storage('keep', 'permanent'),
      storage('tmp', 'boot'),
      ...more,
    ],
    { trail: '/trail', target },
  );

test('volumes are mounted once, and go without a trace but for what they keep', async () => {
  const room = await machine();
  const steps = everyKind('/v/web');
  await mountVolumes(room, 'web', steps);
  await mountVolumes(room, 'web', steps);
  const targets = (await room.host.mounts.list())
    .map(({ target }) => target)
    .filter((target) => target.startsWith('/v/'));
  assert.deepEqual(
    targets,
    steps.map(({ target }) => target),
  );
  await room.host.files.write('/v/web/keep/file', 'mine');
  await unmountVolumes(room, 'web', '/v/web', steps);
  assert.equal(await room.host.files.status('/v/web'), undefined);
  assert.equal(await room.host.files.readText('/data/disks/perm/web/keep/file'), 'mine');
});

test('a volume that fails takes those before it away again, and names its file', async () => {
  const room = await machine();
  const steps = everyKind('/v/web', [image('missing.squashfs')]);
  await assert.rejects(mountVolumes(room, 'web', steps), { code: 'volume-missing', file: '/trail/missing.squashfs' });
  assert.deepEqual(room.ledger.below('/v'), []);
  await room.host.files.write('/trail/missing.squashfs', 'no image');
  await assert.rejects(mountVolumes(room, 'web', steps), { code: 'volume-mount', file: '/trail/missing.squashfs' });
});

test('behind a mount point that could not be unmounted nothing is removed', async () => {
  const room = await machine();
  const steps = everyKind('/v/web');
  await mountVolumes(room, 'web', steps);
  await room.host.files.write('/v/web/keep/file', 'mine');
  // A ledger that has not heard of the mounts: the worst that a lost record could do.
  const blind = { ...room, ledger: await MountLedger.read({ ...room.host.mounts, list: async () => [] }, ['/v']) };
  await unmountVolumes(blind, 'web', '/v/web', steps);
  assert.equal(await room.host.files.readText('/data/disks/perm/web/keep/file'), 'mine');
  assert.equal(await room.host.files.readText('/trail/hosts.bind'), 'hosts');
});

test('volumes mounted aside come to their place; what cannot be there twice waits', async () => {
  const room = await machine();
  const more = [storage('scratch', 'boot', 'big')];
  const [aside, place] = [everyKind('/v/.staged/web', more), everyKind('/v/web', more)];
  await mountVolumes(
    room,
    'web',
    aside.filter((step) => !mustWait(step)),
  );
  await room.host.files.write('/v/.staged/web/tmp/file', 'early');
  await makeDirectories(room.host.files, '/media/big/boot/web/scratch');
  await room.host.files.write('/media/big/boot/web/scratch/old', 'old');
  await settleVolumes(room, 'web', aside, place);
  assert.equal(await room.host.files.readText('/v/web/tmp/file'), 'early');
  assert.deepEqual(await room.host.files.list('/v/web/scratch'), []);
  assert.deepEqual(room.ledger.below('/v/.staged'), []);
  await unmountVolumes(room, 'web', '/v/.staged/web', aside);
  await unmountVolumes(room, 'web', '/v/web', place);
  assert.deepEqual(room.ledger.below('/v'), []);
});

test('handlers are programs; their refusal is a failure with their last word', async () => {
  const calls: string[][] = [];
  const result = { code: 0, signal: undefined, stdout: '', stderr: '', timedOut: false };
  const processes = {
    run: async (argv: string[]) => {
      calls.push(argv);
      return argv[1] === 'mount' ? result : { ...result, code: 2, stderr: 'one\ncannot close\n' };
    },
  } as unknown as ReturnType<typeof createMemoryHost>['processes'];
  const handlers = programHandlers({ processes }, '/lib/pv', '/v', () => ['--x']);
  const request = { handler: 'dm', source: '/trail/a', container: 'web', file: 'a', target: '/v/web/a' };
  await handlers.mount(request);
  assert.deepEqual(calls[0], ['/lib/pv/volmount/verity/dm', 'mount', '/trail/a', 'web', 'a', '--x']);
  await assert.rejects(handlers.unmount(request), { code: 'volume-handler', message: /exit code 2 \(cannot close\)/ });
});
