/** The stream of what is new, as a device hears it: everything that others do to it, nothing that it has said itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHubEvents } from '@pantavisor/hub-api';
import { onEveryBackend, sharedWorld } from './support/world.ts';

onEveryBackend('news for devices', (ground) => {
  const scene = sharedWorld(ground);

  test('a device hears of its steps and user metadata, not of its own words or of others', async () => {
    const { world } = scene;
    const owner = await world.person('leader');
    const [device, other] = [await world.installed(owner), await world.installed(owner)];
    const { token } = owner;
    const response = await fetch(`${world.url}/events/?topics=device,step`, {
      headers: { authorization: `Bearer ${device.token}` },
    });
    assert.equal(response.status, 200);
    const events = readHubEvents(response);
    const step = (id: string) =>
      world.must('POST', `/trails/${id}/steps`, { token, body: { rev: -1, state: device.state } });
    await step(other.id).catch(() => undefined);
    await world.must('PUT', `/devices/${device.id}/device-meta`, { token: device.token, body: { a: 'b' } });
    await world.must('PUT', `/trails/${device.id}/steps/0/progress`, { token: device.token, body: { status: 'DONE' } });
    await world.must('PATCH', `/devices/${device.id}/user-meta`, { token, body: { key: 'value' } });
    await step(device.id);
    const heard = [(await events.next()).value?.event, (await events.next()).value?.event];
    assert.deepEqual(heard, [
      { type: 'device', what: 'user-meta', device: device.id },
      { type: 'step', what: 'created', device: device.id, rev: 1 },
    ]);
    // A device that is removed is told by the end of its stream.
    await world.must('DELETE', `/devices/${device.id}`, { token });
    const rest = [];
    for await (const { event } of events) rest.push(event);
    assert.ok(rest.length <= 1, JSON.stringify(rest));
  });
});
