import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Turn } from './turn.ts';

const takeLong = () => {
  const end = performance.now() + 2;
  while (performance.now() < end);
};

test('short work is done at once until the turn has had its time, and again in the next turn', async () => {
  const turn = new Turn();
  assert.deepEqual(
    turn.take(() => 'done'),
    { result: 'done' },
  );
  turn.take(takeLong);
  const never = () => assert.fail('it was done');
  assert.equal(turn.take(never), undefined);
  // Promises alone do not end a turn of the event loop.
  await Promise.resolve();
  assert.equal(turn.take(never), undefined);
  await nextTurn();
  assert.deepEqual(
    turn.take(() => 'again'),
    { result: 'again' },
  );
});

test('the time of work that fails counts as well, and its failure comes through', () => {
  const turn = new Turn();
  const fail = () => {
    takeLong();
    throw new Error('no');
  };
  assert.throws(() => turn.take(fail), /no/);
  assert.equal(
    turn.take(() => 1),
    undefined,
  );
});
