import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from '../model.ts';
import { parseState } from '../state.ts';
import { acceptedText, appEngine, appText } from '../testing/states.ts';

function container(members: object, others: object = {}): Container {
  const [found] = acceptedText(appText(members, others)).containers;
  assert.ok(found);
  return found;
}

const rejected = (members: object): string[] => {
  const { state, problems } = parseState(appText(members), appEngine);
  assert.equal(state, undefined);
  return problems.filter(({ severity }) => severity === 'error').map(({ rule }) => rule);
};

test('a container without further members has the defaults', () => {
  assert.deepEqual(container({}), {
    name: 'app',
    directory: 'app',
    type: 'lxc',
    config: 'lxc.container.conf',
    group: 'root',
    statusGoal: 'STARTED',
    restartPolicy: 'system',
    mgmt: true,
    autoRecovery: {
      policy: 'no',
      maxRetries: 0,
      retryDelay: 0,
      backoffFactor: 0,
      resetWindow: 0,
      stableTimeout: 0,
      backoffPolicy: { kind: 'reboot' },
    },
    volumes: [],
    logs: [
      { file: '/var/log/syslog', truncate: true, maxSize: 2097152 },
      { file: '/var/log/messages', truncate: true, maxSize: 2097152 },
    ],
    drivers: { required: [], optional: [], manual: [] },
    requires: [],
    provides: [],
    exports: [],
    autoModulesFirmware: true,
    remount: {},
  });
});

test('unknown members do not matter', () => {
  const extra = { share: 'x', conditions: [{ a: 1 }], '#spec': 'service-manifest-run@7', comment: null, name2: 5 };
  assert.deepEqual(container(extra), container({}));
});

const roles: [value: unknown, mgmt: boolean][] = [
  [undefined, true],
  [[], false],
  [['nobody'], false],
  [['mgmt'], true],
  [['nobody', 'mgmt'], true],
  [['king'], false],
  ['mgmt', true],
  ['', false],
];
for (const [value, mgmt] of roles) {
  test(`roles ${JSON.stringify(value)} ${mgmt ? 'give' : 'give no'} right to the control socket`, () => {
    assert.equal(container({ roles: value }).mgmt, mgmt);
  });
}

test('volumes come in the order root volume, volumes, storage', () => {
  const { volumes } = container({
    storage: { 'lxc-overlay': { persistence: 'boot' }, 'etc/example/': { persistence: 'permanent', disk: 'none' } },
    volumes: ['etc.data', 'key.bind', 'dm:extra.tar.squashfs'],
    'root-volume': 'root.ext4',
  });
  assert.deepEqual(volumes, [
    { source: 'image', file: 'root.ext4', kind: 'image', filesystem: 'ext4', root: true },
    { source: 'image', file: 'etc.data', kind: 'data', filesystem: 'data', root: false },
    { source: 'image', file: 'key.bind', kind: 'bind', filesystem: 'bind', root: false },
    { source: 'image', handler: 'dm', file: 'extra.tar.squashfs', kind: 'image', filesystem: 'squashfs', root: false },
    { source: 'storage', name: 'lxc-overlay', persistence: 'boot' },
    { source: 'storage', name: 'etc/example/', persistence: 'permanent', disk: 'none' },
  ]);
});

for (const volume of [
  'root',
  '',
  ':root.squashfs',
  '../root.squashfs',
  '/root.squashfs',
  'a.b/c',
  'root.',
  'root.sq uash',
]) {
  test(`${JSON.stringify(volume)} is no volume`, () => {
    assert.deepEqual(rejected({ volumes: [volume] }), ['volume-name']);
  });
}

test('storage without persistence is ignored, with an unknown one kept until boot', () => {
  const { volumes } = container({ storage: { a: {}, b: { persistence: 'forever' }, c: { persistence: 'revision' } } });
  assert.deepEqual(volumes, [
    { source: 'storage', name: 'b', persistence: 'boot' },
    { source: 'storage', name: 'c', persistence: 'revision' },
  ]);
});

test('recovery takes numbers, quoted numbers and durations', () => {
  const recovery = (members: object) => container({ auto_recovery: members }).autoRecovery;
  assert.deepEqual(
    recovery({
      policy: 'on-failure',
      max_retries: 5,
      retry_delay: '7',
      backoff_factor: '2.5',
      reset_window: 60,
      stable_timeout: 30,
      backoff_policy: '10min',
    }),
    {
      policy: 'on-failure',
      maxRetries: 5,
      retryDelay: 7,
      backoffFactor: 2.5,
      resetWindow: 60,
      stableTimeout: 30,
      backoffPolicy: { kind: 'after', seconds: 600 },
    },
  );
  const backoff = (text: unknown) => recovery({ backoff_policy: text }).backoffPolicy;
  assert.deepEqual(['never', 'reboot', '1h', '30s', '45', 45, '3 weeks', 'soon'].map(backoff), [
    { kind: 'never' },
    { kind: 'reboot' },
    { kind: 'after', seconds: 3600 },
    { kind: 'after', seconds: 30 },
    { kind: 'after', seconds: 45 },
    { kind: 'after', seconds: 45 },
    { kind: 'after', seconds: 3 },
    { kind: 'reboot' },
  ]);
  assert.deepEqual(
    rejected({
      auto_recovery: { retry_delay: -1, reset_window: 1.5, stable_timeout: true, backoff_factor: 'x' },
    }).toSorted(),
    ['type-mismatch', 'value-range', 'value-range', 'value-range'],
  );
});

test('logs take documented spellings and skip the built-in sources', () => {
  const { logs } = container({
    logs: [
      { file: '/var/log/a', truncate: 'true', maxsize: '100', name: 'a' },
      { file: '/var/log/b', truncate: true, maxsize: 5 },
      { lxc: 'enable' },
      { console: 'enable' },
      { file: '/var/log/c' },
    ],
  });
  assert.deepEqual(logs, [
    { file: '/var/log/a', truncate: true, maxSize: 100, name: 'a' },
    { file: '/var/log/b', truncate: true, maxSize: 5 },
    { file: '/var/log/c', truncate: false, maxSize: 2097152 },
  ]);
  assert.equal(container({ logs: [{ lxc: 'enable' }] }).logs.length, 2);
});

test('switches are read from booleans and words', () => {
  assert.equal(container({ 'dev-log': false }).devLog, false);
  assert.equal(container({ 'dev-log': true }).devLog, true);
  assert.equal(container({ automodfw: 'no' }).autoModulesFirmware, false);
  assert.equal(container({ automodfw: 'yes' }).autoModulesFirmware, true);
});

test('a container that is only mounted needs neither type nor configuration', () => {
  const data = container({ status_goal: 'MOUNTED', type: undefined, config: undefined });
  assert.deepEqual([data.type, data.config, data.statusGoal], ['lxc', '', 'MOUNTED']);
  assert.equal(container({ group: 'data', type: undefined, config: undefined }).statusGoal, 'MOUNTED');
  assert.deepEqual(rejected({ type: undefined, config: undefined }), [
    'container-type-missing',
    'container-config-missing',
  ]);
});

test('network takes both spellings of a static address', () => {
  const network = (members: object) => container({ network: members }).network;
  assert.deepEqual(network({ mode: 'host' }), { mode: 'host' });
  assert.deepEqual(network({ mode: 'whatever' }), { mode: 'none' });
  assert.deepEqual(network({ mode: 'host', pool: 'p', hostname: 'web', ip: '10.0.5.2/24', mac: '02:00:00:00:00:01' }), {
    mode: 'pool',
    pool: 'p',
    hostname: 'web',
    ip: '10.0.5.2/24',
    mac: '02:00:00:00:00:01',
  });
  const interfaces = [{ ipv4_address: '10.0.5.3', mac_address: '02:00:00:00:00:02' }];
  assert.deepEqual(network({ pool: 'p', interfaces }), {
    mode: 'pool',
    pool: 'p',
    ip: '10.0.5.3',
    mac: '02:00:00:00:00:02',
  });
  assert.equal(network({ pool: 'p', ip: '10.0.5.4', interfaces })?.ip, '10.0.5.4');
  for (const wrong of [
    { interfaces: [{}, {}] },
    { ip: '10.0.5' },
    { ip: '10.0.5.1/33' },
    { mac: '02:00' },
    { hostname: 'a b' },
  ]) {
    assert.deepEqual(rejected({ network: { pool: 'p', ...wrong } }), ['network-invalid']);
  }
});

test('services are required and offered, in any order of the files', () => {
  const services = {
    required: [{ name: 's', type: 'unix', role: 'op', interface: 'i', target: '/run/s' }, 't'],
    optional: ['u'],
  };
  const listed = [
    { name: 's', type: 'unix', socket: '/run/s.sock' },
    { type: 'dbus', owns: 'org.example.A', allow: ['nobody'] },
    { name: 't', type: 'rest' },
  ];
  const manifest = JSON.stringify(listed);
  for (const text of [
    appText({ services }, { 'app/services.json': listed }),
    appText({ services }).replace(/^\{/, `{"app/services.json":${manifest},`),
  ]) {
    const [app] = acceptedText(text).containers;
    assert.deepEqual(app?.requires, [
      { name: 's', type: 'unix', role: 'op', interface: 'i', target: '/run/s', required: true },
      { name: 't', role: 'any', required: true },
      { name: 'u', role: 'any', required: false },
    ]);
    assert.deepEqual(app?.provides, [
      { kind: 'socket', name: 's', type: 'unix', socket: '/run/s.sock' },
      { kind: 'bus-name', type: 'dbus', bus: 'system-bus', owns: 'org.example.A', allow: ['nobody'] },
      { kind: 'socket', name: 't', type: 'rest' },
    ]);
  }
  assert.deepEqual(rejected({ services: { required: [{ name: 's', role: 'a"b' }] } }), ['service-invalid']);
  assert.deepEqual(rejected({ services: { required: [{ name: 's', target: `/${'x'.repeat(107)}` }] } }), [
    'service-invalid',
  ]);
});

test('remount policies belong to the container', () => {
  assert.deepEqual(container({ remount: { default: [{ '/': 'ro' }, { '/etc': 'nosuid,ro' }] } }).remount, {
    default: [
      { path: '/', options: 'ro' },
      { path: '/etc', options: 'nosuid,ro' },
    ],
  });
});

for (const name of ['..', '.', 'a/b', '/a', 'a\nb', 'x'.repeat(256)]) {
  test(`${JSON.stringify(name.slice(0, 20))} is no name of a container`, () => {
    assert.deepEqual(rejected({ name }), ['container-name']);
  });
}
