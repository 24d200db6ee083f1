import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryBackend, sharedWorld } from './support/world.ts';

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

onEveryBackend('at the same time', (ground) => {
  const shared = sharedWorld(ground);

  test('appends from many sides leave neither gap nor duplicate', async () => {
    const { world } = shared;
    const owner = await world.person('appender');
    const device = await world.installed(owner);
    const post = (rev: number) =>
      world.ask('POST', `/trails/${device.id}/steps`, { token: owner.token, body: { rev, state: device.state } });
    const replies = await Promise.all(times(60, () => post(-1)));
    assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200]);
    const revs = replies.map(({ json }) => json.rev as unknown as number).toSorted((a, b) => a - b);
    assert.deepEqual(
      revs,
      times(60, (index) => index + 1),
    );
    const explicit = await Promise.all(times(20, () => post(61)));
    assert.equal(explicit.filter(({ status }) => status === 200).length, 1, 'one gets the number, the others are told');
    assert.ok(explicit.every(({ status, json }) => status === 200 || String(json.reason) === 'revision-exists'));
    const gap = await post(70);
    assert.deepEqual([gap.status, gap.json.reason], [500, 'no-such-revision']);
    const listed = await world.get(`/trails/${device.id}/steps?progress.status={"$ne":""}`, owner.token);
    assert.deepEqual(
      (listed as unknown as { rev: number }[]).map(({ rev }) => rev),
      times(62, (index) => index),
    );
  });

  test('of two claims one wins', async () => {
    const { world } = shared;
    const claimers = await Promise.all(times(5, (index) => world.person(`rival${index}`)));
    const made = await world.must('POST', '/devices/');
    const replies = await Promise.all(
      claimers.map(({ token }) => world.ask('PUT', `/devices/${made.id}?challenge=${made.challenge}`, { token })),
    );
    assert.deepEqual(replies.map(({ status }) => status).toSorted(), [200, 403, 403, 403, 403]);
  });

  test('changes of different keys of a map all count', async () => {
    const { world } = shared;
    const owner = await world.person('patcher');
    const device = await world.device(owner);
    const patch = (index: number) => [
      world.must('PATCH', `/devices/${device.id}/user-meta`, { token: owner.token, body: { [`key${index}`]: index } }),
      world.must('PATCH', `/devices/${device.id}/device-meta`, {
        token: device.token,
        body: { [`key${index}`]: index },
      }),
    ];
    await Promise.all(times(20, patch).flat());
    const shown = await world.get(`/devices/${device.id}`, owner.token);
    assert.equal(Object.keys(shown['user-meta'] ?? {}).length, 20);
    assert.equal(Object.keys(shown['device-meta'] ?? {}).length, 20);
  });

  test('the same object uploaded by many at once is stored once and right', async () => {
    const { world } = shared;
    const owner = await world.person('crowd');
    const content = 'c'.repeat(300_000);
    const hashes = await Promise.all(times(6, () => world.upload(owner.token, content)));
    const object = await world.get(`/objects/${hashes[0]}`, owner.token);
    assert.equal((await world.ask('GET', String(object['signed-geturl']))).text, content);
  });
});
