import assert from 'node:assert/strict';
import test from 'node:test';
import type { SourceManifest } from '../manifest.ts';
import { renderLxcConfig } from './lxc-config.ts';
import { isMountedOnly, makeRunManifest } from './run-manifest.ts';

const manifest = (args: Record<string, unknown>, more: Partial<SourceManifest> = {}): SourceManifest => ({
  '#spec': 'service-manifest-src@1',
  args,
  ...more,
});

const linesOf = (args: Record<string, unknown>, more?: Partial<SourceManifest>): string[] =>
  renderLxcConfig('web', manifest(args, more)).split('\n');

const plain = [
  'lxc.tty.max = 8',
  'lxc.pty.max = 1024',
  'lxc.cgroup.devices.allow = a',
  'lxc.rootfs.path = overlayfs:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper',
  'lxc.init.cmd = /sbin/init',
  'lxc.namespace.keep = user  net  ipc',
  'lxc.mount.auto = proc  sys:rw  cgroup',
  'lxc.mount.entry = /etc/resolv.conf etc/resolv.conf none bind,rw,create=file 0 0',
  'lxc.mount.entry = tmpfs run tmpfs rw,nodev,relatime,create=dir,mode=755 0 0',
  '',
];

test('without arguments the configuration is the plain one', () => {
  assert.deepEqual(linesOf({}), plain);
});

/** What each argument adds to the plain configuration, and what goes from it. */
const effects: [args: Record<string, unknown>, added: string[], removed?: string[]][] = [
  [{ LXC_TTY_MAX: '4' }, ['lxc.tty.max = 4'], ['lxc.tty.max = 8']],
  [{ LXC_PTY_MAX: '' }, ['lxc.pty.max = '], ['lxc.pty.max = 1024']],
  [{ PV_DEBUG_MODE: 'no' }, ['lxc.log.file = /pv/logs/web.log']],
  [
    { PVR_LXC_CGROUP_DEVICES_WHITE: ['c 1:3 rwm', 'c 1:5 rwm'] },
    ['lxc.cgroup.devices.deny = a', 'lxc.cgroup.devices.allow = c 1:3 rwm', 'lxc.cgroup.devices.allow = c 1:5 rwm'],
    ['lxc.cgroup.devices.allow = a'],
  ],
  [{ PVR_LXC_CGROUP_V1: ['memory.limit_in_bytes = 1M'] }, ['lxc.cgroup.memory.limit_in_bytes = 1M']],
  [{ PV_LXC_EXTRA_ENV: ['A=1', 'B=2'] }, ['lxc.environment = A=1', 'lxc.environment = B=2']],
  [{ PV_LXC_NAMESPACE_KEEP: 'user' }, ['lxc.namespace.keep = user'], ['lxc.namespace.keep = user  net  ipc']],
  [{ PV_LXC_DISABLE_CONSOLE: true }, ['lxc.console.path = none']],
  [
    { LXC_MOUNT_AUTO_SYS: 'sys:ro' },
    ['lxc.mount.auto = proc  sys:ro  cgroup'],
    ['lxc.mount.auto = proc  sys:rw  cgroup'],
  ],
  [{ PV_DISABLE_AUTODEV: '1' }, ['lxc.autodev = 0']],
  [{ PV_SECURITY_FULLDEV: 'yes' }, ['lxc.mount.entry = /dev/ dev none bind,rw,create=dir 0 0']],
  [{ PV_SECURITY_WITH_HOST: 'yes' }, ['lxc.mount.entry = / host none bind,rw,create=dir 0 0']],
  [{ PV_SECURITY_WITH_HOSTPROC: 'yes' }, ['lxc.mount.entry = /proc/ host/proc none bind,rw,create=dir 0 0']],
  [{ PV_SECURITY_WITH_STORAGE: 'yes' }, ['lxc.mount.entry = /storage storage none bind,rw,create=dir 0 0']],
  [{ PV_RESOLV_CONF_DISABLE: '1' }, [], [plain[7]!]],
  [
    { PV_RESOLV_CONF_PATH: 'x/resolv' },
    ['lxc.mount.entry = /etc/resolv.conf x/resolv none bind,rw,create=file 0 0'],
    [plain[7]!],
  ],
  [{ PV_RUN_TMPFS_DISABLE: '1' }, [], [plain[8]!]],
  [
    { PV_RUN_TMPFS_PATH: 'var/run' },
    ['lxc.mount.entry = tmpfs var/run tmpfs rw,nodev,relatime,create=dir,mode=755 0 0'],
    [plain[8]!],
  ],
  [
    { PV_LXC_CAP_DROP: ['SYS_ADMIN'], PV_LXC_CAP_KEEP: ['NET_RAW'] },
    ['lxc.cap.drop = sys_admin', 'lxc.cap.keep = net_raw'],
  ],
  [{ PV_LXC_NETWORK_TYPE: 'empty' }, ['lxc.namespace.keep = user  ipc', 'lxc.net.0.type = empty'], [plain[5]!]],
  [{ PV_LXC_NETWORK_TYPE: 'host' }, []],
  [
    { PV_LXC_NETWORK_TYPE: 'phys', PV_LXC_NETWORK_LINK: 'eth1' },
    ['lxc.namespace.keep = user  ipc', 'lxc.net.0.type = phys', 'lxc.net.0.link =eth1'],
    [plain[5]!],
  ],
  [
    { PV_LXC_NETWORK_TYPE: 'veth', PV_LXC_NETWORK_IPV4_ADDRESS: '10.0.3.4/24' },
    [
      'lxc.namespace.keep = user  ipc',
      'lxc.net.0.type = veth',
      'lxc.net.0.link = lxcbr0',
      'lxc.net.0.flags = up',
      'lxc.net.0.ipv4.address = 10.0.3.4/24',
      'lxc.net.0.ipv4.gateway = auto',
    ],
    [plain[5]!],
  ],
  [{ PV_LXC_EXTRA_CONF: 'lxc.a = 1\nlxc.b = 2' }, ['lxc.a = 1', 'lxc.b = 2']],
  [
    { PV_FILEIMPORTS: 'os/x:etc/x,b:c' },
    [
      'lxc.mount.entry = /exports/os/x etc/x none bind,rw,create=file 0 0',
      'lxc.mount.entry = /exports/b c none bind,rw,create=file 0 0',
    ],
  ],
  [
    { PV_IMPORT_CONFIGVOLUMES: 'v:d' },
    ['lxc.mount.entry = /volumes/v/web d none bind,rw,create=dir,optional,noexec 0 0'],
  ],
  [
    { PV_VOLUME_MOUNTS: 'm.squashfs:mnt' },
    ['lxc.mount.entry = /volumes/web/m.squashfs mnt none bind,rw,create=dir 0 0'],
  ],
  [
    { PV_VOLUME_IMPORTS: ['os:/var/x:/mnt/x'] },
    ['lxc.mount.entry = /volumes/os/docker--var-x mnt/x none bind,rw,create=dir 0 0'],
  ],
  [
    { PV_VOLUME_IMPORTS: ['os:sub@/var:/m:ro'] },
    ['lxc.mount.entry = /volumes/os/docker--var/sub m none bind,ro,create=dir 0 0'],
  ],
];

for (const [args, added, removed = []] of effects)
  test(`argument ${JSON.stringify(args)}`, () => {
    const lines = linesOf(args);
    assert.deepEqual(
      lines.filter((line) => !plain.includes(line)),
      added.filter((line) => !plain.includes(line)),
    );
    assert.deepEqual(
      plain.filter((line) => !lines.includes(line)),
      removed,
    );
  });

test('the command of the image starts the container, its words separated by blanks', () => {
  const command = (config: SourceManifest['docker_config']): string =>
    linesOf({}, { docker_config: config! })
      .find((line) => line.startsWith('lxc.init.cmd'))!
      .slice('lxc.init.cmd = '.length);
  assert.equal(command({ Entrypoint: ['/ep', 'a'], Cmd: ['c1', 'c2'] }), '/ep "a" "c1" "c2"');
  assert.equal(command({ Entrypoint: ['/ep'], Cmd: 'c' }), '/ep "c"');
  assert.equal(command({ Entrypoint: '/ep x', Cmd: ['c'] }), '/ep x');
  assert.equal(command({ Cmd: ['/c', 'd e'] }), '/c "d e"');
  assert.equal(command({ Cmd: '/c d' }), '/c d');
  assert.equal(command({ Entrypoint: null, Cmd: null }), '/sbin/init');
});

test('volumes of image and app are mounted and stored', () => {
  const source = manifest(
    {},
    {
      docker_config: { Volumes: { '/vol/a/': {}, '/vol/b': {} }, WorkingDir: '/w', Env: ['A=1'] },
      config: { WorkingDir: '/own' },
      persistence: { '/vol/b': 'revision@disk1', 'ovl:/var': 'permanent', 'lxc-overlay': 'permanent' },
    },
  );
  const lines = renderLxcConfig('web', source).split('\n');
  assert.ok(lines.includes('lxc.init.cwd = /own'));
  assert.ok(lines.includes('lxc.mount.entry = /volumes/web/docker--vol-a vol/a none bind,rw,create=dir 0 0'));
  assert.ok(
    lines.includes(
      'lxc.mount.entry = /volumes/web/dockerovl--var var overlay lowerdir=/volumes/web/root.squashfs/var,upperdir=/volumes/web/dockerovl--var/upper,workdir=/volumes/web/dockerovl--var/work,create=dir 0 0',
    ),
  );
  assert.deepEqual(makeRunManifest('web', source, 'app').storage, {
    'docker--vol-a': { persistence: 'permanent' },
    'docker--vol-b': { persistence: 'revision', disk: 'disk1' },
    'dockerovl--var': { persistence: 'permanent' },
    'lxc-overlay': { persistence: 'permanent' },
  });
});

test('run.json says what the arguments say', () => {
  const run = makeRunManifest(
    'web',
    manifest(
      {
        PV_CONDITIONS: [{ a: 1 }],
        PV_DRIVERS_REQUIRED: ['usb'],
        PV_RESTART_POLICY: 'container',
        PV_STATUS_GOAL: 'READY',
        PV_NETWORK_POOL: 'nat',
        PV_NETWORK_IP: '10.0.0.2',
        PV_AUTO_RECOVERY: { policy: 'always' },
        PV_SERVICES_REQUIRED: ['dbus'],
        PV_ROLES: '["mgmt"]',
        PV_EXTRA_VOLUMES: 'a.squashfs,b.squashfs',
        PV_VOLUME_MOUNTS: 'c.squashfs:mnt',
      },
      {
        docker_ovl_digest: 'x',
        dm_enabled: { 'root.squashfs': true, 'a.squashfs': true },
        exports: ['/run'],
        logs: [{ file: '/l' }],
      },
    ),
    'root',
  );
  assert.deepEqual(run, {
    '#spec': 'service-manifest-run@1',
    name: 'web',
    config: 'lxc.container.conf',
    conditions: [{ a: 1 }],
    drivers: { manual: [], required: ['usb'], optional: [] },
    group: 'root',
    restart_policy: 'container',
    status_goal: 'READY',
    network: { pool: 'nat', hostname: 'web', ip: '10.0.0.2' },
    auto_recovery: { policy: 'always' },
    services: { required: ['dbus'] },
    storage: { 'lxc-overlay': { persistence: 'boot' } },
    exports: ['/run'],
    logs: [{ file: '/l' }],
    type: 'lxc',
    roles: ['mgmt'],
    'root-volume': 'dm:root.squashfs',
    volumes: ['dm:a.squashfs', 'b.squashfs', 'c.squashfs', 'root.ovl.squashfs'],
  });
});

test('an app that is only mounted has no process, and an app over a base has its overlay as root', () => {
  const mounted = manifest({ PV_STATUS_GOAL: 'MOUNTED' });
  assert.equal(isMountedOnly(mounted), true);
  const run = makeRunManifest('base', mounted, 'data');
  for (const member of ['config', 'type', 'roles']) assert.equal(member in run, false, member);
  const over = manifest({}, { base: 'base', docker_ovl_digest: 'x' });
  assert.equal(makeRunManifest('web', over, undefined)['root-volume'], 'root.ovl.squashfs');
  assert.match(
    renderLxcConfig('web', over),
    /overlayfs:\/volumes\/web\/root\.ovl\.squashfs:\/volumes\/base\/root\.squashfs:\/volumes\/web\/lxc-overlay\/upper/,
  );
});
