/** A real device on a real hub: it joins, reports, takes what its owner posts, and says at the hub why it did not. */
import assert from 'node:assert/strict';
import { on } from 'node:events';
import { existsSync, readFileSync, watch } from 'node:fs';
import { test } from 'node:test';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { OnlineDevice, withWeb } from '../harness/online-device.ts';
import { probeContainer } from '../harness/revision.ts';

const options = { skip: await skipWithoutContainers(), timeout: 180_000 };

test('a device joins by its token, uploads its factory revision and takes a step to UPDATED', options, async (t) => {
  const online = await OnlineDevice.install(t);
  const { id } = await online.account.device();
  assert.equal(readFileSync(`${online.device.base}/pv/device-id`, 'utf8'), `${id}\n`);
  assert.equal(readFileSync(`${online.device.base}/pv/challenge`, 'utf8'), '');
  const db = (await online.device.container('db')).pid;

  const revision = await online.post(id, 'next', withWeb('second'));
  assert.equal(revision, '1');
  const end = await online.ended(id, revision);
  assert.deepEqual(
    [end.status, end['status-msg']],
    ['UPDATED', 'Update finished, revision not set as rollback point'],
    online.run.lines.slice(-30).join('\n'),
  );
  assert.equal(await online.page(), 'second');
  assert.equal((await online.device.container('db')).pid, db);
  const statuses = (await online.account.reports(id, revision)).map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)], ['QUEUED', 'DOWNLOADING', 'INPROGRESS', 'TESTING', 'UPDATED']);
  assert.equal(readFileSync(`${online.device.storage}/trails/1/.pv/commitmsg`, 'utf8'), 'next');

  await online.run.stop();
  assert.deepEqual(online.device.traces(), []);
});

test('a broken step is rolled back, and the hub knows why; the next good one is taken', options, async (t) => {
  const online = await OnlineDevice.install(t);
  const { id } = await online.account.device();
  const broken = await online.post(id, 'broken', [probeContainer('web', ['crash', '3']), probeContainer('db')]);
  const end = await online.ended(id, broken);
  assert.deepEqual([end.status, end['status-msg']], ['ERROR', 'A container could not be started']);
  const good = await online.post(id, 'good', withWeb('third'));
  assert.equal((await online.ended(id, good)).status, 'UPDATED', online.run.lines.slice(-30).join('\n'));
  assert.equal(online.running, good);
  assert.equal(await online.page(), 'third');
  await online.run.stop();
});

test('a device that starts again knows who it is, and a hub that comes back is found', options, async (t) => {
  const online = await OnlineDevice.install(t);
  const { id } = await online.account.device();
  await online.run.stop();
  online.run = online.device.start();
  await online.run.line(/Hub client goes from .* to idle/);
  assert.equal((await online.account.device()).id, id);
  const from = online.run.lines.length;
  await online.account.without(async () => void (await online.run.line(/ECONNREFUSED/, from)));
  const revision = await online.post(id, 'after', withWeb('after'));
  assert.equal((await online.ended(id, revision)).status, 'UPDATED');
  // The log of the first revision is at the hub, line by line: over the restarts of both nothing is lost, and nothing there twice.
  const lines = await online.account.logged('0', /takes the place of the running revision/);
  const written = online.device.log().split('\n');
  assert.deepEqual(lines, written.slice(0, lines.length));
  await online.run.stop();
});

test('a step and user metadata arrive at once, though the device asks rarely', options, async (t) => {
  const rarely = { PH_UPDATER_INTERVAL: '600', PH_METADATA_USRMETA_INTERVAL: '600' };
  const online = await OnlineDevice.install(t, rarely);
  await online.run.line(/the Hub tells what is new/);
  const { id } = await online.account.device();
  const metadata = `${online.device.base}/pv/user-meta`;
  const watcher = watch(metadata);
  t.after(() => watcher.close());
  const seen = on(watcher, 'change');
  await online.account.ask('PATCH', `/devices/${id}/user-meta`, { greeting: 'hello' });
  while (!existsSync(`${metadata}/greeting`)) await seen.next();
  assert.equal(readFileSync(`${metadata}/greeting`, 'utf8'), 'hello');
  const revision = await online.post(id, 'pushed', withWeb('pushed'));
  assert.equal((await online.ended(id, revision)).status, 'UPDATED');
  // A hub that restarts is listened to again.
  const from = online.run.lines.length;
  await online.account.without(async () => void (await online.run.line(/no longer tells/, from)));
  await online.run.stop();
});
