/** Random states, and random damage to them, for property tests. */
import fc from 'fast-check';
import { objectId, run } from './states.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const id = fc.constantFrom('0', '1', 'a', 'f').map(objectId);

const recovery = fc.record(
  {
    policy: fc.constantFrom('no', 'always', 'on-failure', 'unless-stopped'),
    max_retries: fc.nat(9),
    retry_delay: fc.nat(9),
    backoff_factor: fc.double({ min: 0, max: 9, noNaN: true }),
    backoff_policy: fc.constantFrom('reboot', 'never', '10min', '5s', '1h', '7'),
  },
  { requiredKeys: [] },
);

const manifest = fc.record(
  {
    'root-volume': fc.constantFrom('root.squashfs', 'dm:root.squashfs'),
    volumes: fc.array(fc.constantFrom('a.squashfs', 'b.data', 'c.bind'), { maxLength: 3 }),
    storage: fc.dictionary(name, fc.record({ persistence: fc.constantFrom('permanent', 'revision', 'boot') }), {
      maxKeys: 3,
    }),
    status_goal: fc.constantFrom('MOUNTED', 'STARTED', 'READY'),
    restart_policy: fc.constantFrom('system', 'container'),
    roles: fc.array(fc.constantFrom('mgmt', 'nobody'), { maxLength: 2 }),
    auto_recovery: recovery,
    exports: fc.array(fc.constantFrom('/var/x', 'etc/y'), { maxLength: 2 }),
    drivers: fc.record({ required: fc.array(name, { maxLength: 2 }) }),
    services: fc.record({ optional: fc.array(name, { maxLength: 2 }) }),
    logs: fc.array(fc.record({ file: fc.constant('/var/log/x'), maxsize: fc.nat(100), truncate: fc.boolean() }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: [] },
);

/** Members of a state that is accepted: containers with files, groups or none, files of the device. */
export const stateMembers: fc.Arbitrary<Record<string, unknown>> = fc
  .record({
    containers: fc.dictionary(name, manifest, { maxKeys: 5 }),
    groups: fc.option(fc.uniqueArray(name, { minLength: 1, maxLength: 4 }), { nil: undefined }),
    files: fc.dictionary(
      name.map((file) => `data-${file}/blob`),
      id,
      { maxKeys: 4 },
    ),
  })
  .map(({ containers, groups, files }) => {
    const state: Record<string, unknown> = { ...files };
    if (groups) state['groups.json'] = groups.map((group) => ({ name: group }));
    for (const [container, members] of Object.entries(containers)) {
      if (container === 'bsp') continue;
      state[`${container}/run.json`] = run(container, members);
      state[`${container}/lxc.container.conf`] = objectId('c');
    }
    return state;
  });

const fragments = [
  '',
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\',
  '\\u0041',
  '\u0000',
  'null',
  '-1',
  '1e999',
  '../',
  '/',
  '"name":',
  '\ud800',
  '\ufeff',
];

/** Damages a text: pieces cut out, replaced, doubled. */
export const damage: fc.Arbitrary<(text: string) => string> = fc
  .array(fc.tuple(fc.nat(), fc.nat(12), fc.constantFrom(...fragments), fc.boolean()), { minLength: 1, maxLength: 6 })
  .map((cuts) => (text: string) => {
    let damaged = text;
    for (const [where, length, put, twice] of cuts) {
      const at = where % (damaged.length + 1);
      const piece = twice ? damaged.slice(at, at + length * 20) : '';
      damaged = damaged.slice(0, at) + put + piece + damaged.slice(twice ? at : at + length);
    }
    return damaged;
  });
