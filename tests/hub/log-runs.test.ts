/** Logs that a device sends twice, because it did not get the answer, are stored once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryBackend, sharedWorld } from './support/world.ts';

onEveryBackend('numbered logs', (ground) => {
  const scene = sharedWorld(ground);

  test('what is stored already is left out, and order and other streams are kept', async () => {
    const { world } = scene;
    const owner = await world.person('keeper');
    const { token } = await world.installed(owner);
    const send = (runs: string, ...messages: string[]) =>
      world.ask('POST', '/logs/', {
        token,
        body: messages.map((msg) => ({ msg, plat: 'web', src: '/log' })),
        headers: { 'pantahub-log-runs': runs },
      });
    assert.equal((await send('aa:0:2', 'one', 'two')).status, 200);
    assert.equal((await send('aa:0:3', 'one', 'two', 'three')).status, 200);
    assert.equal((await send('aa:0:3', 'one', 'two', 'three')).status, 200);
    assert.equal((await send('aa:2:2, bb:0:1', 'three', 'four', 'other')).status, 200);
    const both = await Promise.all([send('aa:4:1', 'five'), send('aa:4:1', 'five')]);
    assert.deepEqual(
      both.map(({ status }) => status),
      [200, 200],
    );
    const page = await world.get('/logs/?sort=time-created&page=100', owner.token);
    const entries = page.entries as unknown as { msg: string }[];
    assert.deepEqual(
      entries.map(({ msg }) => msg),
      ['one', 'two', 'three', 'four', 'other', 'five'],
    );
    for (const runs of ['aa:0:2', 'x:0:1', 'aa:0', '', 'aa:-1:1', `${'a'.repeat(33)}:0:1`])
      assert.equal((await send(runs, 'x')).status, 400, runs);
    const numbers = await world.hub.db.selectFrom('log_streams').select(['stream', 'next']).orderBy('stream').execute();
    assert.deepEqual(
      numbers.map(({ stream, next }) => `${stream} ${next}`),
      ['aa 5', 'bb 1'],
    );
  });
});
