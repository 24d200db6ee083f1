/** Ten real devices on one hub: one by one they join, and as a pack they follow the first. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { RevisionRecipe } from '../../../containers/src/recipe.ts';
import { skipWithoutContainers } from '../../harness/facilities.ts';
import { until } from '../../harness/files.ts';
import { HubAccount } from '../../harness/hub-account.ts';
import { OnlineDevice } from '../../harness/online-device.ts';
import { probeContainer } from '../../harness/revision.ts';

const options = { skip: await skipWithoutContainers(), timeout: 240_000 };
const size = 10;

/** One container whose change takes a reboot. The machine has few processors for so many devices: their goals have time. */
const revision = (page: string): RevisionRecipe => ({
  containers: [
    probeContainer('web', ['init'], { group: 'app', restartPolicy: 'system', config: { '/etc/page': page } }),
  ],
  groups: [{ name: 'app', status_goal: 'STARTED', restart_policy: 'system', timeout: 60 }],
});

/** As its owner does: with the two words that the device shows. */
async function claim(online: OnlineDevice): Promise<void> {
  const directory = `${online.device.base}/pv`;
  const challenge = () => readFileSync(`${directory}/challenge`, 'utf8').trim();
  await until(directory, () => challenge() !== '');
  await online.account.ask('PUT', `/devices/${online.id}?challenge=${challenge()}`);
}

test(
  'ten devices join a hub, by token and by claim, and follow their leader to the same revision',
  options,
  async (t) => {
    const account = await HubAccount.open(t);
    const begin = (more = {}) => OnlineDevice.begin(t, more, account, revision('first'));
    // Without a token, so that somebody has to claim it.
    const shy = await begin({ PH_FACTORY_AUTOTOK: '' });
    await claim(shy);
    const pack = [shy, ...(await Promise.all(Array.from({ length: size - 1 }, () => begin())))];
    await Promise.all(pack.map((one) => one.joined()));
    const [leader, ...followers] = pack;
    assert.ok(leader);
    assert.equal((await account.ask<unknown[]>('GET', '/devices/')).length, size);
    for (const { id } of followers)
      await account.ask('PATCH', `/devices/${id}/user-meta`, { 'pvr-auto-follow.url': `/trails/${leader.id}` });

    // Only the leader is given it; the others are, once it has proved itself.
    const posted = await leader.post(leader.id, 'second', revision('second'));
    const ends = await Promise.all(pack.map((one) => one.ended(one.id, posted)));
    for (const [index, { status, 'status-msg': message }] of ends.entries())
      assert.deepEqual(
        [status, message],
        ['DONE', 'Update finished, revision set as rollback point'],
        `device ${index}:\n${pack[index]?.run.lines.slice(-30).join('\n')}`,
      );
    const expected = ['QUEUED', 'DOWNLOADING', 'INPROGRESS', 'TESTING', 'DONE'];
    for (const one of pack) {
      const statuses = (await account.reports(one.id, posted)).map(({ status }) => status);
      assert.deepEqual([...new Set(statuses)], expected);
      assert.equal(one.running, posted);
      assert.equal(await one.page(), 'second');
    }
    await Promise.all(pack.map((one) => one.run.stop()));
    for (const one of pack) assert.deepEqual(one.device.traces(), []);
  },
);
