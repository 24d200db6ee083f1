import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from '../http/rates.ts';
import { LoginGuard } from './login-guard.ts';

test('the wait doubles, is for one name and address, and ends with a success', () => {
  let now = 0;
  const guard = new LoginGuard(() => now);
  const waits: number[] = [];
  for (let count = 0; count < 8; count += 1) {
    guard.failed('ann', '1.2.3.4');
    waits.push(guard.wait('ann', '1.2.3.4'));
  }
  assert.deepEqual(waits, [0, 0, 0, 0, 1, 2, 4, 8]);
  assert.deepEqual([guard.wait('bob', '1.2.3.4'), guard.wait('ann', '5.6.7.8')], [0, 0]);
  now += 8000;
  assert.equal(guard.wait('ann', '1.2.3.4'), 0);
  guard.succeeded('ann', '1.2.3.4');
  guard.failed('ann', '1.2.3.4');
  assert.equal(guard.wait('ann', '1.2.3.4'), 0);
});

test('a bucket gives its burst, then what flows in', () => {
  let now = 0;
  const limit = new RateLimit(2, () => now);
  const burst = Array.from({ length: 21 }, () => limit.take('a'));
  assert.deepEqual([burst.filter((wait) => wait === 0).length, burst.at(-1)], [20, 1]);
  assert.equal(limit.take('b'), 0);
  now += 1000;
  assert.deepEqual([limit.take('a'), limit.take('a'), limit.take('a')], [0, 0, 1]);
  assert.equal(new RateLimit(0, () => now).take('a'), 0);
});
