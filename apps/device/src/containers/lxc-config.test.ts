import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bakedAddresses, composeLxcConfig, hasInterfaces, type LxcContext, rootLayers } from './lxc-config.ts';
import { formatLxcConfig, lastValue, parseLxcConfig } from './lxc-text.ts';

const context: LxcContext = {
  name: 'web',
  group: 'app',
  layout: 'hybrid',
  controlGroup: 'pantavisor-0a1b2c3d',
  rootfsMount: '/run/pantavisor/0a1b2c3d/rootfs',
  directory: '/data/trails/0/web',
  relocate: [
    { from: '/volumes', to: '/run/pantavisor/0a1b2c3d/volumes' },
    { from: '/exports', to: '/run/pantavisor/0a1b2c3d/exports' },
  ],
  binds: [],
  mountHooks: [],
  consoleLog: '/data/logs/0/web/lxc/console.log',
};

const compose = (text: string, changes: Partial<LxcContext> = {}) =>
  composeLxcConfig(parseLxcConfig(text), { ...context, ...changes });
const values = (lines: ReturnType<typeof compose>, key: string) =>
  lines.flatMap((line) => (line.key === key ? [line.value] : []));

test('comments and blank lines go, everything else stays in order', () => {
  const lines = parseLxcConfig('# a\n\n lxc.tty.max=8 \nlxc.init.cmd = /bin/sh "-c" "a=b"\nnonsense\n');
  assert.deepEqual(lines, [
    { key: 'lxc.tty.max', value: '8' },
    { key: 'lxc.init.cmd', value: '/bin/sh "-c" "a=b"' },
    { key: undefined, text: 'nonsense' },
  ]);
});

test('what was written reads back the same', () => {
  const word = fc.stringMatching(/^[a-z0-9/:,."-]{1,12}$/).filter((text) => !text.startsWith('#'));
  const line = fc.record(
    { key: word, value: fc.array(word, { maxLength: 3 }).map((words) => words.join(' ')) },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(fc.array(line), (lines) => assert.deepEqual(parseLxcConfig(formatLxcConfig(lines)), lines)));
});

test('defaults are added only where the state says nothing', () => {
  const bare = compose('');
  assert.equal(lastValue(bare, 'lxc.uts.name'), 'web');
  assert.equal(lastValue(bare, 'lxc.cgroup.dir'), 'pantavisor-0a1b2c3d');
  assert.equal(lastValue(bare, 'lxc.console.logfile'), '/data/logs/0/web/lxc/console.log');
  assert.equal(lastValue(bare, 'lxc.init.cmd'), '/sbin/init');
  const own = compose('lxc.uts.name = other\nlxc.cgroup.dir.container = x\nlxc.cgroup.dir.monitor = y\n');
  assert.deepEqual(values(own, 'lxc.uts.name'), ['other']);
  assert.deepEqual(values(own, 'lxc.cgroup.dir'), []);
});

test('init is started through the starter, with quotes as the templates mean them', () => {
  const text = 'lxc.init.cmd = /old\nlxc.init.cmd = /entry "nginx" "daemon off;"';
  const starter = '/pantavisor/.init';
  const command = '/pantavisor/.init pv-app /entry nginx daemon%20off%3B';
  assert.deepEqual(values(compose(text, { starter }), 'lxc.init.cmd'), [command]);
  assert.deepEqual(values(compose(text), 'lxc.init.cmd'), ['/entry nginx "daemon off;"']);
});

test('/dev/log is linked by the starter, or by a hook where the starter could not, and mounted where /dev is not the container’s', () => {
  const logSocket = { source: '/run/web/.log', inside: '/pantavisor/.log' };
  const starter = '/pantavisor/.init';
  const shown = (text: string, changes: Partial<LxcContext>) => {
    const lines = compose(text, { logSocket, ...changes });
    const [hooks, mounts] = [values(lines, 'lxc.hook.autodev'), values(lines, 'lxc.mount.entry')];
    return [lastValue(lines, 'lxc.init.cmd'), hooks.length, mounts.length];
  };
  assert.deepEqual(shown('', { starter }), ['/pantavisor/.init -l /pantavisor/.log pv-app /sbin/init', 0, 0]);
  assert.deepEqual(shown('lxc.init.uid = 0', { starter }).slice(1), [0, 0]);
  assert.deepEqual(shown('lxc.init.uid = 7', { starter }), ['/pantavisor/.init pv-app /sbin/init', 1, 0]);
  assert.deepEqual(shown('', {}), ['/sbin/init', 1, 0]);
  assert.deepEqual(shown('lxc.autodev = 0', { starter }), ['/pantavisor/.init pv-app /sbin/init', 0, 1]);
});

test('paths of the state move to this device, paths inside the container do not', () => {
  const lines = compose(
    [
      'lxc.rootfs.path = overlayfs:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper',
      'lxc.mount.entry = /volumes/web/docker--var var none bind,rw,create=dir 0 0',
      'lxc.mount.entry = /volumesque/x exports none bind 0 0',
      'lxc.mount.entry = o data overlay lowerdir=/volumes/web/root.squashfs/p,upperdir=/volumes/web/o/upper,create=dir 0 0',
      'lxc.mount.entry = /exports/db/sock /volumes/sock none bind,create=file 0 0',
      'lxc.init.cmd = /volumes/init',
      'lxc.environment = PATH=/volumes/bin',
      'lxc.seccomp.profile = seccomp.conf',
      'lxc.hook.pre-start = /exports/hook',
    ].join('\n'),
  );
  const base = '/run/pantavisor/0a1b2c3d';
  assert.equal(
    lastValue(lines, 'lxc.rootfs.path'),
    `overlayfs:${base}/volumes/web/root.squashfs:${base}/volumes/web/lxc-overlay/upper`,
  );
  const upper = `${base}/volumes/web/lxc-overlay/upper`;
  assert.deepEqual(rootLayers(lines), { upper, layers: [upper, `${base}/volumes/web/root.squashfs`] });
  assert.deepEqual(values(lines, 'lxc.mount.entry'), [
    `${base}/volumes/web/docker--var var none bind,rw,create=dir 0 0`,
    '/volumesque/x exports none bind 0 0',
    `o data overlay lowerdir=${base}/volumes/web/root.squashfs/p,upperdir=${base}/volumes/web/o/upper,create=dir 0 0`,
    `${base}/exports/db/sock /volumes/sock none bind,create=file 0 0`,
  ]);
  assert.equal(lastValue(lines, 'lxc.init.cmd'), '/volumes/init');
  assert.ok(values(lines, 'lxc.environment').includes('PATH=/volumes/bin'));
  assert.equal(lastValue(lines, 'lxc.seccomp.profile'), '/data/trails/0/web/seccomp.conf');
  assert.equal(lastValue(lines, 'lxc.hook.pre-start'), `${base}/exports/hook`);
});

test('the configuration layer lies on top of the lower ones, below the writable one', () => {
  const text = 'lxc.rootfs.path = overlayfs:/a:/b\n';
  assert.equal(lastValue(compose(text, { configLayer: '/c/web' }), 'lxc.rootfs.path'), 'overlayfs:/c/web:/a:/b');
  assert.equal(lastValue(compose('lxc.rootfs.path = dir:/a\n', { configLayer: '/c' }), 'lxc.rootfs.path'), 'dir:/a');
});

test('limits of the other family of control groups are left out', () => {
  const text = [
    'lxc.cgroup.devices.allow = a',
    'lxc.cgroup.memory.limit_in_bytes = 64M',
    'lxc.cgroup2.memory.max = 64M',
    'lxc.cgroup2.devices.deny = a',
    'lxc.cgroup.relative = 1',
  ].join('\n');
  const keys = (layout: LxcContext['layout']) =>
    compose(text, { layout }).flatMap(({ key }) => (key?.startsWith('lxc.cgroup') ? [key] : []));
  assert.deepEqual(keys('unified'), [
    'lxc.cgroup2.memory.max',
    'lxc.cgroup.relative',
    'lxc.cgroup.dir',
    'lxc.cgroup2.devices.allow',
  ]);
  assert.deepEqual(keys('legacy'), [
    'lxc.cgroup.devices.allow',
    'lxc.cgroup.memory.limit_in_bytes',
    'lxc.cgroup.relative',
    'lxc.cgroup.dir',
  ]);
  assert.equal(keys('hybrid').length, 6);
});

test('an address pool brings an interface and a network namespace of its own', () => {
  const attachment = {
    bridge: 'pvbr0',
    address: '10.0.5.2/24',
    gateway: '10.0.5.1',
    hardwareAddress: '02:00:0a:00:05:02',
    hostname: 'site',
  };
  const lines = compose('lxc.namespace.keep = user  net  ipc\nlxc.uts.name = web\n', { attachment });
  assert.deepEqual(values(lines, 'lxc.namespace.keep'), ['user ipc']);
  assert.deepEqual(values(lines, 'lxc.uts.name'), ['site']);
  assert.equal(lastValue(lines, 'lxc.net.0.ipv4.address'), '10.0.5.2/24');
  assert.deepEqual(values(compose('lxc.namespace.keep = net', { attachment }), 'lxc.namespace.keep'), []);
});

test('interfaces and addresses of the state itself are seen', () => {
  const lines = parseLxcConfig(
    'lxc.net.0.type = veth\nlxc.net.0.ipv4.address = 10.0.3.2/24\nlxc.net.1.ipv4.address = auto',
  );
  assert.ok(hasInterfaces(lines));
  assert.deepEqual(bakedAddresses(lines), ['10.0.3.2']);
  assert.ok(!hasInterfaces(parseLxcConfig('# lxc.net.0.type = veth\nlxc.namespace.keep = net')));
});

test('binds are written with their blanks escaped', () => {
  const binds = [{ source: '/a b', target: 'pantavisor', kind: 'directory' as const, readOnly: true }];
  assert.deepEqual(values(compose('', { binds }), 'lxc.mount.entry'), [
    '/a\\040b pantavisor none bind,ro,create=dir 0 0',
  ]);
});
