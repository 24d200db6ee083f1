/** A real device on a real hub whose wall clock jumps: what it does must hang on time that only grows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { TestClock } from '../harness/clock.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { OnlineDevice, withWeb } from '../harness/online-device.ts';

// The small host has no preloads, and so no clock that a test could set.
const isSmall =
  process.env.PANTAVISOR_HOST === 'small' && 'the static executable takes its clock from the kernel alone';
const options = { skip: isSmall || (await skipWithoutContainers()), timeout: 120_000 };
const day = 24 * 3_600_000;
const said = (online: OnlineDevice) => online.run.lines.slice(-40).join('\n');

test('a device whose clock jumps a year ahead or to 1970 takes steps as before', options, async (t) => {
  const clock = new TestClock(temporaryDirectory(t));
  const online = await OnlineDevice.install(t, { ...clock.environment, PV_UPDATER_COMMIT_DELAY: '2' });
  const { id } = await online.account.device();
  clock.set(400 * day);
  const ahead = await online.post(id, 'ahead', withWeb('ahead'));
  await online.account.reported(id, ahead, ['TESTING']);
  clock.set(1000 - Date.now());
  assert.equal((await online.ended(id, ahead)).status, 'UPDATED', said(online));
  const behind = await online.post(id, 'behind', withWeb('behind'));
  await online.account.reported(id, behind, ['TESTING']);
  clock.set(0);
  assert.equal((await online.ended(id, behind)).status, 'UPDATED', said(online));
  assert.equal(await online.page(), 'behind');
  await online.run.stop();
});
