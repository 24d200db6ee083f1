import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { remountPolicy, remountProgram, remountRules } from './remount.ts';

test('the environment names the policy', () => {
  assert.equal(remountPolicy({}), 'default');
  assert.equal(remountPolicy({ pv_remount_policy: 'locked' }), 'locked');
  assert.equal(remountPolicy({ PV_REMOUNT_POLICY: 'open', pv_remount_policy: 'locked' }), 'open');
});

test('rules of the device come before those of the container', () => {
  const [one, two] = [
    { path: '/', options: 'nosuid' },
    { path: '/data', options: 'noexec' },
  ];
  assert.deepEqual(
    remountRules({ remount: { default: [one] } }, { remount: { default: [two], other: [one] } }, 'default'),
    [one, two],
  );
  assert.deepEqual(remountRules(undefined, { remount: {} }, 'default'), []);
});

test('whatever a rule says, the program is one that a shell takes, and the rule reaches it whole', {
  timeout: 60_000,
}, () => {
  // A zero cannot be in an argument, and state documents cannot carry one in a name of a file either.
  const text = fc.string().map((any) => any.replace(/[\0\r]/g, ''));
  fc.assert(
    fc.property(fc.array(fc.record({ path: text, options: text }), { maxLength: 3 }), (rules) => {
      const program = remountProgram(rules).replace(/apply\(\) \{[\s\S]*?\n\}\n/, `apply() { printf '%s\\0' "$@"; }\n`);
      const said = execFileSync('sh', ['-c', program], { encoding: 'utf8' });
      const expected = rules.flatMap(({ path, options }) => [path.replace(/\/+$/, ''), options]);
      assert.deepEqual(said.split('\0').slice(0, -1), expected);
    }),
    { numRuns: 50 },
  );
});
