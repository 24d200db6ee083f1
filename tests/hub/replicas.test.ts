import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readHubEvents } from '@pantavisor/hub-api';
import { postgresBackend, postgresMissing } from '../../apps/hub/src/testing/backends.ts';
import { devicePoll, World } from './support/world.ts';

/** Resolves when the bus of a world tells something that fits. */
const told = (world: World, fits: (event: { kind: string }) => boolean) =>
  new Promise<void>((resolve) => {
    const stop = world.hub.bus.listen((event) => {
      if (!fits(event)) return;
      stop();
      resolve();
    });
  });

describe('two hubs over one database', { timeout: 60_000, skip: postgresMissing ?? false }, () => {
  test('each knows at once what happened at the other', async () => {
    const backend = await postgresBackend();
    const worlds: World[] = [];
    try {
      const settings = await backend.fresh();
      const here = await World.start(settings);
      worlds.push(here);
      const there = await World.start(settings);
      worlds.push(there);
      const owner = await here.person('owner');
      const device = await here.installed(owner);
      const poll = `/trails/${device.id}/steps?${devicePoll}`;
      assert.equal((await there.ask('GET', poll, { token: device.token })).text, '[]');
      assert.equal(there.hub.idle.get(device.id, 'steps'), '[]', 'remembered there');

      const events = readHubEvents(
        await fetch(`${there.url}/events/?topics=step,log`, { headers: { authorization: `Bearer ${owner.token}` } }),
      );
      const heard = told(there, ({ kind }) => kind === 'step');
      await here.must('POST', `/trails/${device.id}/steps`, {
        token: owner.token,
        body: { rev: -1, state: device.state },
      });
      await heard;
      assert.equal((await there.get(poll, device.token))[0]?.rev, 1, 'and forgotten');
      assert.deepEqual((await events.next()).value?.event, {
        type: 'step',
        what: 'created',
        device: device.id,
        rev: 1,
      });
      await here.must('POST', '/logs/', { token: device.token, body: [{ msg: 'a' }, { msg: 'b' }] });
      const { event } = (await events.next()).value as { event: { entries: { msg: string }[] } };
      assert.deepEqual(
        event.entries.map(({ msg }) => msg),
        ['a', 'b'],
        'entries are read from the database',
      );

      const revoked = told(there, ({ kind }) => kind === 'revoked');
      await here.must('DELETE', `/devices/${device.id}`, { token: owner.token });
      await revoked;
      assert.equal((await there.ask('GET', poll, { token: device.token })).status, 401);
      await events.return(undefined);

      const lost = told(there, ({ kind }) => kind === 'gap');
      await here.hub.database.pool?.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %'",
      );
      await lost;
      assert.equal(there.hub.bus.deaf, true, 'nothing is remembered until it hears again');
      await told(there, ({ kind }) => kind === 'gap');
      assert.equal(there.hub.bus.deaf, false);
    } finally {
      for (const world of worlds) await world.stop();
      await backend.close();
    }
  });
});
