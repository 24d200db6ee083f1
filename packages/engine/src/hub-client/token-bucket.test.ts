import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spendTokens, type TokenBucket } from './token-bucket.ts';

test('a full bucket gives a second in advance, then what comes in, and fills up again', () => {
  const first = spendTokens(undefined, { rate: 1000, now: 50, amount: 1000 });
  assert.equal(first.waitMs, 0);
  const second = spendTokens(first.bucket, { rate: 1000, now: 50, amount: 500 });
  assert.equal(second.waitMs, 500);
  const third = spendTokens(second.bucket, { rate: 1000, now: 550, amount: 1 });
  assert.equal(third.waitMs, 1);
  const rested = spendTokens(third.bucket, { rate: 1000, now: 1_000_000, amount: 2000 });
  assert.equal(rested.waitMs, 1000, 'no more than a second is saved up');
  const backwards = spendTokens(rested.bucket, { rate: 1000, now: 0, amount: 0 });
  assert.equal(backwards.waitMs, 1000, 'a clock that goes back gives nothing');
  const faster = spendTokens(backwards.bucket, { rate: 4000, now: 0, amount: 0 });
  assert.equal(faster.waitMs, 250, 'another rate holds from now on');
});

test('whatever is spent in whatever portions by any number of spenders, the rate holds', () => {
  const portions = fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1024, max: 1_000_000 }),
      fc.integer({ min: 1, max: 8 }),
      portions,
      (rate, count, amounts) => {
        let bucket: TokenBucket | undefined;
        const spenders = Array.from({ length: count }, () => 0);
        let spent = 0;
        let last = 0;
        for (const amount of amounts) {
          // The spender who is free first goes on.
          const who = spenders.indexOf(Math.min(...spenders));
          const now = spenders[who] ?? 0;
          const step = spendTokens(bucket, { rate, now, amount });
          bucket = step.bucket;
          spenders[who] = now + step.waitMs;
          spent += amount;
          last = Math.max(last, now + step.waitMs);
        }
        assert.ok(spent <= rate * (last / 1000 + 1) + 1, `${spent} in ${last} ms at ${rate}`);
        // And nobody waits for longer than that takes.
        assert.ok(
          last <= (Math.max(0, spent - rate) / rate) * 1000 + amounts.length,
          `${last} ms for ${spent} at ${rate}`,
        );
      },
    ),
  );
});
