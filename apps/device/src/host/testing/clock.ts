/** What every implementation of the port `Clock` promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../ports.ts';
import { type Fixture, on, timeLimit } from './expectations.ts';

export interface ClockFixture extends Fixture {
  clock: Clock;
  /** Lets time pass until the promise is settled. */
  settle<Result>(promise: Promise<Result>): Promise<Result>;
}

/**
 * Registers the tests of the port `Clock`.
 * @param name of the implementation
 * @param create a fresh fixture for each test
 */
export function testClock(name: string, create: () => Promise<ClockFixture>): void {
  const test = (title: string, body: (fixture: ClockFixture) => Promise<void>) =>
    it(title, { timeout: timeLimit }, on(create, body));
  describe(`clock: ${name}`, () => {
    test('calls back once, later, and not before its time', async ({ clock, settle }) => {
      const begin = clock.monotonic();
      let calls = 0;
      const called = new Promise<void>((resolve) => {
        clock.after(20, () => {
          calls += 1;
          resolve();
        });
      });
      assert.equal(calls, 0);
      await settle(called);
      assert.ok(clock.monotonic() - begin >= 20, `only ${clock.monotonic() - begin} ms have passed`);
      await settle(new Promise<void>((resolve) => clock.after(30, resolve)));
      assert.equal(calls, 1);
    });
    test('calls back in order of time', async ({ clock, settle }) => {
      const order: number[] = [];
      const all = [30, 10, 20].map(
        (ms) =>
          new Promise<void>((resolve) => {
            clock.after(ms, () => {
              order.push(ms);
              resolve();
            });
          }),
      );
      await settle(Promise.all(all));
      assert.deepEqual(order, [10, 20, 30]);
    });
    test('does not call back what was cancelled', async ({ clock, settle }) => {
      let called = false;
      const cancel = clock.after(5, () => {
        called = true;
      });
      cancel();
      cancel();
      await settle(new Promise<void>((resolve) => clock.after(10, resolve)));
      assert.equal(called, false);
    });
    test('waits for a very long time without firing at once', async ({ clock, settle }) => {
      let called = false;
      const cancel = clock.after(40 * 24 * 3600 * 1000, () => {
        called = true;
      });
      await settle(new Promise<void>((resolve) => clock.after(10, resolve)));
      cancel();
      assert.equal(called, false);
    });
    test('goes forward only, and knows the year', async ({ clock, settle }) => {
      const [monotonic, wall] = [clock.monotonic(), clock.wall()];
      await settle(new Promise<void>((resolve) => clock.after(0, resolve)));
      assert.ok(clock.monotonic() >= monotonic);
      assert.ok(wall > Date.UTC(2020) && wall < Date.UTC(2200), String(wall));
    });
  });
}
