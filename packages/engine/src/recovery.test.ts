import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideRecovery, type RecoveryQuestion, recoveryLimits } from './recovery.ts';
import { recovery } from './testing/plans.ts';

const question = (patch: Partial<RecoveryQuestion>): RecoveryQuestion => ({
  rule: recovery({}),
  outcome: { kind: 'exit', exit: { kind: 'code', code: 1 }, goalReached: true },
  retries: 0,
  launchedAt: 0,
  at: 10_000,
  trial: false,
  ...patch,
});

const exitWith = (code: number, goalReached = true): Partial<RecoveryQuestion> => ({
  outcome: { kind: 'exit', exit: { kind: 'code', code }, goalReached },
});

test('on-failure looks at the exit code: 0 after the goal is a finished job, everything else is a failure', () => {
  const rule = recovery({ policy: 'on-failure' });
  const kindOf = (patch: Partial<RecoveryQuestion>) => decideRecovery(question({ rule, ...patch })).kind;
  assert.equal(kindOf(exitWith(0)), 'completed');
  assert.equal(kindOf(exitWith(0, false)), 'retry');
  assert.equal(kindOf(exitWith(3)), 'retry');
  assert.equal(
    kindOf({ outcome: { kind: 'exit', exit: { kind: 'signal', signal: 'SIGTERM' }, goalReached: true } }),
    'retry',
  );
  assert.equal(kindOf({ outcome: { kind: 'exit', exit: { kind: 'unknown' }, goalReached: true } }), 'retry');
  assert.equal(kindOf({ outcome: { kind: 'not-started' } }), 'retry');
});

for (const policy of ['always', 'unless-stopped'] as const)
  test(`${policy} restarts on any exit`, () => {
    for (const code of [0, 1]) {
      const verdict = decideRecovery(question({ rule: recovery({ policy }), ...exitWith(code) }));
      assert.deepEqual(verdict, { kind: 'retry', retries: 1, delayMs: 0 });
    }
  });

test('the delay grows by the factor from the second retry on, in whole seconds, up to a day', () => {
  const rule = recovery({ retryDelay: 5, backoffFactor: 1.5 });
  const delays = [0, 1, 2, 3].map((retries) => {
    const verdict = decideRecovery(question({ rule, retries }));
    return verdict.kind === 'retry' ? verdict.delayMs : undefined;
  });
  assert.deepEqual(delays, [5000, 7000, 11_000, 16_000]);
  const late = decideRecovery(question({ rule, retries: 100_000 }));
  assert.deepEqual(late, { kind: 'retry', retries: 100_001, delayMs: recoveryLimits.longestDelayMs });
});

test('a container without delay that dies at once gets a short pause', () => {
  assert.deepEqual(decideRecovery(question({ at: 10 })), { kind: 'retry', retries: 1, delayMs: 250 });
});

test('a container that cannot be started never makes the device reboot; in an update it fails the revision', () => {
  const outcome = { kind: 'not-started' } as const;
  const rule = recovery({ maxRetries: 1, backoffPolicy: { kind: 'reboot' } });
  const kindOf = (patch: Partial<RecoveryQuestion>) => decideRecovery(question({ outcome, retries: 1, ...patch })).kind;
  assert.equal(kindOf({ rule }), 'give-up');
  assert.equal(kindOf({ rule, trial: true }), 'fail');
  assert.equal(kindOf({ rule: recovery({ policy: 'no' }) }), 'give-up');
  assert.equal(kindOf({ rule, ...exitWith(1) }), 'fail');
});

test('the reset window forgets retries only after more than its length', () => {
  const rule = recovery({ maxRetries: 2, resetWindow: 10 });
  assert.equal(decideRecovery(question({ rule, retries: 2, at: 10_000 })).kind, 'fail');
  assert.deepEqual(decideRecovery(question({ rule, retries: 2, at: 10_001 })), {
    kind: 'retry',
    retries: 1,
    delayMs: 0,
  });
});

test('used up retries follow the backoff policy, except in a trial, which they end', () => {
  const exhausted = (backoffPolicy: 'reboot' | 'never' | number, trial: boolean) =>
    decideRecovery(
      question({
        rule: recovery({
          maxRetries: 3,
          backoffPolicy:
            typeof backoffPolicy === 'number' ? { kind: 'after', seconds: backoffPolicy } : { kind: backoffPolicy },
        }),
        retries: 3,
        trial,
      }),
    );
  assert.equal(exhausted('reboot', false).kind, 'fail');
  assert.equal(exhausted('never', false).kind, 'give-up');
  assert.deepEqual(exhausted(600, false), { kind: 'retry', retries: 0, delayMs: 600_000 });
  for (const policy of ['reboot', 'never', 600] as const) {
    const verdict = exhausted(policy, true);
    assert.deepEqual(verdict, { kind: 'fail', code: 'retries-exhausted', why: 'used up its 3 retries' });
  }
});

test('property: within a limit the retries never exceed it, and delays are finite and not negative', () => {
  const rule = fc.record({
    policy: fc.constantFrom('always', 'on-failure', 'unless-stopped', 'no'),
    maxRetries: fc.nat(6),
    retryDelay: fc.nat(100),
    backoffFactor: fc.double({ min: 0, max: 1000, noNaN: true }),
    resetWindow: fc.nat(20),
    backoffPolicy: fc.constantFrom(
      { kind: 'reboot' as const },
      { kind: 'never' as const },
      { kind: 'after' as const, seconds: 30 },
    ),
  });
  fc.assert(
    fc.property(rule, fc.nat(100_000), fc.nat(50), fc.boolean(), fc.nat(30_000), (patch, code, retries, trial, at) => {
      const verdict = decideRecovery(
        question({ rule: recovery(patch), retries, trial, at, ...exitWith(code % 3, code % 2 === 0) }),
      );
      if (verdict.kind !== 'retry') return;
      assert.ok(patch.maxRetries === 0 || verdict.retries <= patch.maxRetries);
      assert.ok(verdict.delayMs >= 0 && verdict.delayMs <= recoveryLimits.longestDelayMs);
    }),
  );
});
