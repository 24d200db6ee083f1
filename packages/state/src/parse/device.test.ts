import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseState } from '../state.ts';
import { accepted, appEngine, objectId, parse, run, stateText } from '../testing/states.ts';

const c = objectId('c');
const containers = (names: Record<string, object>): object =>
  Object.fromEntries(
    Object.entries(names).flatMap(([name, members]) => [
      [`${name}/run.json`, run(name, members)],
      [`${name}/lxc.container.conf`, c],
    ]),
  );

const groupsOf = (members: object, context = appEngine): Record<string, string> =>
  Object.fromEntries(accepted(members, context).containers.map(({ name, group }) => [name, group]));

test('without groups the first container becomes the root one and the others platforms', () => {
  assert.deepEqual(groupsOf(containers({ z: {}, a: {}, b: { group: 'app' } })), { z: 'root', a: 'platform', b: 'app' });
});

test('with a root container, all others without a group are platforms', () => {
  assert.deepEqual(groupsOf(containers({ z: {}, a: { runlevel: 'root' } })), { z: 'platform', a: 'root' });
  assert.deepEqual(groupsOf(containers({ z: {}, a: { group: 'root' } })), { z: 'platform', a: 'root' });
});

test('group wins over runlevel; an unknown runlevel is ignored', () => {
  assert.deepEqual(groupsOf(containers({ a: { runlevel: 'data', group: 'app' }, b: { runlevel: 'x' } })), {
    a: 'app',
    b: 'root',
  });
});

test('with own groups the last one is the default', () => {
  const groups = [{ name: 'one' }, { name: 'two', restart_policy: 'system', status_goal: 'READY', timeout: 7 }];
  const state = accepted({
    'groups.json': groups,
    ...containers({ a: {}, b: { group: 'one', status_goal: 'STARTED' } }),
  });
  assert.deepEqual(state.groups, [
    { name: 'one', statusGoal: 'STARTED', restartPolicy: 'container', timeout: 120 },
    { name: 'two', statusGoal: 'READY', restartPolicy: 'system', timeout: 7 },
  ]);
  assert.deepEqual(
    state.containers.map(({ group, statusGoal, restartPolicy }) => [group, statusGoal, restartPolicy]),
    [
      ['two', 'READY', 'system'],
      ['one', 'STARTED', 'container'],
    ],
  );
  // No root, platform, app, data among them: a runlevel names a group that does not exist.
  assert.equal(parse({ 'groups.json': groups, ...containers({ a: { runlevel: 'app' } }) }).state, undefined);
});

test('the time-out of groups comes from the device, the default groups too', () => {
  const groups = { 'groups.json': [{ name: 'one' }] };
  assert.equal(accepted(groups, { ...appEngine, goalsTimeout: 5 }).groups[0]?.timeout, 5);
  const defaultGroups = JSON.stringify([{ name: 'root', auto_recovery: { policy: 'always' } }, { name: 'platform' }]);
  const state = accepted(containers({ a: {}, b: {} }), { ...appEngine, defaultGroups });
  assert.deepEqual(
    state.containers.map(({ group }) => group),
    ['root', 'platform'],
  );
  assert.equal(state.groups[0]?.autoRecovery?.policy, 'always');
});

test('the built-in groups are the documented ones', () => {
  const { groups } = accepted({});
  assert.deepEqual(
    groups.map(({ name, statusGoal, restartPolicy, timeout }) => [name, statusGoal, restartPolicy, timeout]),
    [
      ['data', 'MOUNTED', 'system', 30],
      ['root', 'STARTED', 'system', 30],
      ['platform', 'STARTED', 'system', 30],
      ['app', 'STARTED', 'container', 30],
    ],
  );
  assert.deepEqual(groups[3]?.autoRecovery, {
    policy: 'on-failure',
    maxRetries: 5,
    retryDelay: 5,
    backoffFactor: 2,
    resetWindow: 0,
    stableTimeout: 30,
    backoffPolicy: { kind: 'reboot' },
  });
});

test('device.json brings groups, disks, volumes, pools and remount policies', () => {
  const state = accepted({
    'device.json': {
      groups: [{ name: 'all' }],
      disks: [{ name: 'built-in', type: 'directory', path: '/storage/disks/', default: 'yes', options: 'rw' }],
      disks_v2: [
        {
          name: 'zram',
          type: 'swap-disk',
          format: 'swap',
          format_options: '',
          provision: 'zram',
          provision_ops: 'disksize=1M',
          mount_ops: 'x',
        },
      ],
      disks_v3: [
        {
          name: 'secret',
          aliases: ['safe'],
          type: 'dm-crypt-caam',
          mode: 'nxp',
          path: '-v2 /a,8,k',
          migrate_keyblob: 'yes',
        },
        { name: 'future', type: 'quantum' },
        { name: 'twin', type: 'dual', disks: ['secret', 'built-in'], init_order: ['primary', 'create-primary'] },
      ],
      volumes: { 'pv--devmeta': { persistence: 'permanent', disk: 'safe' }, 'pv--x': { persistence: 'boot' } },
      network: {
        pools: {
          internal: { type: 'bridge', bridge: 'pvbr0', subnet: '10.0.5.0/24', gateway: '10.0.5.1', nat: true },
          broken: {},
        },
      },
      remount: { default: [{ '/etc': 'ro' }] },
    },
    ...containers({ a: { storage: { v: { persistence: 'permanent', disk: 'safe' }, w: { persistence: 'boot' } } } }),
  });
  const plain = { mode: 'unknown', default: false, migrateKeyblob: false, aliases: [], disks: [], initOrder: [] };
  assert.deepEqual(state.disks, [
    { ...plain, name: 'built-in', type: 'directory', path: '/storage/disks/', default: true, mountOptions: 'rw' },
    {
      ...plain,
      name: 'zram',
      type: 'swap-disk',
      format: 'swap',
      provision: 'zram',
      provisionOptions: 'disksize=1M',
      mountOptions: 'x',
    },
    {
      ...plain,
      name: 'secret',
      type: 'dm-crypt-caam',
      mode: 'nxp',
      path: '-v2 /a,8,k',
      migrateKeyblob: true,
      aliases: ['safe'],
    },
    { ...plain, name: 'twin', type: 'dual', disks: ['secret', 'built-in'], initOrder: ['primary', 'create-primary'] },
  ]);
  assert.deepEqual(state.deviceVolumes, [
    { source: 'storage', name: 'pv--devmeta', persistence: 'permanent', disk: 'secret' },
    { source: 'storage', name: 'pv--x', persistence: 'boot', disk: 'built-in' },
  ]);
  assert.deepEqual(
    state.containers[0]?.volumes.map((volume) => volume.source === 'storage' && volume.disk),
    ['secret', 'built-in'],
  );
  assert.deepEqual(state.pools, [
    { name: 'internal', type: 'bridge', bridge: 'pvbr0', subnet: '10.0.5.0/24', gateway: '10.0.5.1', nat: true },
  ]);
  assert.deepEqual(state.remount, { default: [{ path: '/etc', options: 'ro' }] });
});

test('the older files are read without device.json, and ignored with it', () => {
  const disk = (name: string) => [{ name, type: 'volume-disk', format: 'ext4' }];
  const files = {
    'disks.json': disk('a'),
    'disks_v2.json': [...disk('b'), { name: 'x', type: 'odd' }],
    'disks_v3.json': disk('c'),
  };
  assert.deepEqual(
    accepted(files).disks.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  const both = parse({ ...files, 'device.json': { groups: [{ name: 'all' }] } });
  assert.deepEqual(both.state?.disks, []);
  assert.deepEqual(
    both.problems.map(({ rule }) => rule),
    ['device-json-only', 'device-json-only', 'device-json-only'],
  );
});

const aliasCases: [name: string, disks: object[], good: boolean][] = [
  ['an alias equal to its own name', [{ name: 'a', aliases: ['a'] }], true],
  ['an empty alias', [{ name: 'a', aliases: [''] }], false],
  ['an alias that is the name of another, before it', [{ name: 'a', aliases: ['b'] }, { name: 'b' }], false],
  ['an alias that is the name of another, after it', [{ name: 'b' }, { name: 'a', aliases: ['b'] }], false],
  [
    'one alias on two disks',
    [
      { name: 'a', aliases: ['x'] },
      { name: 'b', aliases: ['x'] },
    ],
    false,
  ],
  ['two disks of one name', [{ name: 'a' }, { name: 'a' }], true],
];
for (const [name, disks, good] of aliasCases) {
  test(`${name} is ${good ? 'accepted' : 'refused'}`, () => {
    const typed = disks.map((disk) => ({ type: 'dm-crypt-dcp', ...disk }));
    assert.equal(parse({ 'disks.json': typed }).state !== undefined, good);
  });
}

test('pools take macvlan and quoted booleans, and skip what is wrong', () => {
  const pools = {
    lab: { type: 'macvlan', parent: 'eth0', subnet: '10.0.0.0/8', gateway: '10.0.0.1', nat: 'true' },
    none: { bridge: 'a/b', subnet: '10.0.0.0/8', gateway: '10.0.0.1' },
    long: { bridge: 'x'.repeat(16), subnet: '10.0.0.0/8', gateway: '10.0.0.1' },
    wide: { bridge: 'br0', subnet: '10.0.0.0/33', gateway: '10.0.0.1' },
    text: { bridge: 'br0', subnet: '10.0.0.0/a', gateway: '10.0.0.1' },
    gate: { bridge: 'br0', subnet: '10.0.0.0/8', gateway: '10.0.0' },
    list: [],
  };
  const { state, problems } = parse({ 'device.json': { groups: [{ name: 'all' }], network: { pools } } });
  assert.deepEqual(state?.pools, [
    { name: 'lab', type: 'macvlan', parent: 'eth0', subnet: '10.0.0.0/8', gateway: '10.0.0.1', nat: true },
  ]);
  assert.deepEqual(
    problems.map(({ rule }) => rule),
    Array(6).fill('pool-invalid'),
  );
});

test('the order of keys changes nothing but the order of containers', () => {
  const members = {
    'device.json': { groups: [{ name: 'x' }, { name: 'y' }], disks: [{ name: 'd', type: 'directory', path: '/d' }] },
    ...containers({ a: { group: 'x' }, b: {} }),
    'a/services.json': [{ name: 's', type: 'rest' }],
  };
  const forward = accepted(members);
  const backward = parseState(stateText(Object.fromEntries(Object.entries(members).reverse())), appEngine).state;
  assert.ok(backward);
  assert.deepEqual(backward.containers.toReversed(), forward.containers);
  assert.deepEqual([backward.groups, backward.disks], [forward.groups, forward.disks]);
});

test('null where a whole file belongs rejects the state, and loses no container', () => {
  for (const key of ['device.json', 'groups.json', 'app/run.json']) {
    const text = stateText({ ...containers({ app: {} }), [key]: null });
    assert.equal(parseState(text, appEngine).state, undefined, key);
  }
  for (const list of [{ 'groups.json': [{ name: 'a' }, null] }, { 'disks.json': [null] }]) {
    assert.equal(parse(list).state, undefined);
  }
});
