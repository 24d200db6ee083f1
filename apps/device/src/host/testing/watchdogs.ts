/** What every implementation of the port `Watchdogs` promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Files } from '../ports.ts';
import type { Watchdogs } from '../watchdog.ts';
import { type Fixture, on, refused, timeLimit } from './expectations.ts';

export interface WatchdogsFixture extends Fixture {
  watchdogs: Watchdogs;
  files: Pick<Files, 'write'>;
  /** An empty directory. */
  directory: string;
  /** A watchdog of a machine that may be reset when the test fails; undefined where there is none. */
  device?: string;
}

/**
 * Registers the tests of the port `Watchdogs`.
 * @param name of the implementation
 * @param create a fresh fixture for each test
 */
export function testWatchdogs(name: string, create: () => Promise<WatchdogsFixture>): void {
  const test = (title: string, body: (fixture: WatchdogsFixture) => Promise<void>) =>
    it(title, { timeout: timeLimit }, on(create, body));
  describe(`watchdogs: ${name}`, () => {
    test('says that there is none', async ({ watchdogs, directory }) => {
      await refused(watchdogs.start(`${directory}/watchdog`, 15), 'ENOENT', `${directory}/watchdog`);
    });
    test('starts nothing that is no watchdog', async ({ watchdogs, files, directory }) => {
      await files.write(`${directory}/file`, 'text');
      for (let round = 0; round < 3; round += 1)
        await refused(watchdogs.start(`${directory}/file`, 15), 'ENOTTY', `${directory}/file`);
    });
    test('counts, is fed, and is its owner’s alone', async ({ watchdogs, device }) => {
      if (device === undefined) return;
      const watchdog = await watchdogs.start(device, 15);
      assert.ok(watchdog.seconds > 0);
      await refused(watchdogs.start(device, 15), 'EBUSY', device);
      watchdog.feed();
      watchdog.close();
      watchdog.close();
      watchdog.feed();
      const again = await watchdogs.start(device, 15);
      again.close();
    });
  });
}
