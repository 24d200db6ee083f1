import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { readHubEvents } from '@pantavisor/hub-api';
import { readArchive } from '../../apps/hub/src/testing/archive.ts';
import { onEveryBackend, shaOf, sharedWorld } from './support/world.ts';

onEveryBackend('sharing and watching', (ground) => {
  const shared = sharedWorld(ground);

  test('a public device is cloned by nick, without secrets; a private one asks for a login', async () => {
    const { world } = shared;
    const owner = await world.person('sharer');
    const device = await world.installed(owner);
    const anon = await world.login('prn:pantahub.com:auth:/anon', '');
    const short = `/sharer/${device.nick}/.pvrremote`;
    assert.equal((await world.ask('GET', short)).status, 401);
    assert.equal((await world.ask('GET', short, { token: anon })).status, 403);
    await world.must('PUT', `/devices/${device.id}/public`, { token: owner.token });
    await world.must('PUT', `/devices/${device.id}/user-meta`, { token: owner.token, body: { secret: 'value' } });
    const remote = await world.get(short, anon);
    assert.deepEqual(remote, await world.get(`/trails/${device.id}/.pvrremote`, anon));
    const state = await world.ask('GET', String(remote['json-get-url']), { token: anon });
    assert.match(state.text, new RegExp(device.sha));
    const object = await world.ask('GET', `${remote['objects-endpoint']}/${device.sha}`, { token: anon });
    assert.deepEqual(
      [object.status, object.json['signed-puturl'], object.headers.get('pantahub-object-type')],
      [200, '', 'object'],
    );
    assert.equal(shaOf((await world.ask('GET', String(object.json['signed-geturl']))).text), device.sha);
    const shown = await world.get(`/devices/np/sharer/${device.nick}`, anon);
    assert.deepEqual(
      [shown['user-meta'], shown['device-meta'], shown.challenge, shown.secret],
      [{}, {}, undefined, undefined],
    );
    const posted = await world.ask('POST', `/trails/${device.id}/steps`, { token: anon, body: { state: {} } });
    assert.equal(posted.status, 403);
    const given = await world.get(`/sharer/${device.nick}/0/.pvrremote`, anon);
    assert.deepEqual([given['post-fields'], given['post-fields-opt']], [['msg'], []]);
    await world.must('DELETE', `/devices/${device.id}/public`, { token: owner.token });
    assert.equal((await world.ask('GET', short, { token: anon })).status, 403);
  });

  test('an object of a public step is linked instead of uploaded, and survives unsharing', async () => {
    const { world } = shared;
    const owner = await world.person('source');
    const other = await world.person('linker');
    const device = await world.installed(owner, 'shared content');
    const body = { objectname: 'o', size: '14', sha256sum: device.sha };
    assert.equal(
      (await world.ask('POST', '/objects/', { token: other.token, body })).status,
      200,
      'private: knowing the hash gives nothing',
    );
    await world.must('PUT', `/devices/${device.id}/public`, { token: owner.token });
    assert.equal((await world.ask('POST', '/objects/?autolink=no', { token: other.token, body })).status, 200);
    const linked = await world.ask('POST', '/objects/', { token: other.token, body });
    assert.deepEqual([linked.status, linked.headers.get('pantahub-object-type')], [409, 'link']);
    assert.equal((await world.ask('GET', String(linked.json['signed-geturl']))).text, 'shared content');
    assert.equal((await world.ask('PUT', String(linked.json['signed-puturl']), { raw: 'guessed cont.!' })).status, 400);
    assert.equal((await world.ask('PUT', String(linked.json['signed-puturl']), { raw: 'shared content' })).status, 200);
    await world.must('DELETE', `/devices/${device.id}/public`, { token: owner.token });
    const kept = await world.get(`/objects/${device.sha}`, other.token);
    assert.equal((await world.ask('GET', String(kept['signed-geturl']))).text, 'shared content');
    const mine = await world.device(other);
    await world.must('POST', '/trails/', {
      token: mine.token,
      body: { '#spec': 'pantavisor-service-system@1', a: device.sha },
    });
    assert.equal(
      (await world.ask('DELETE', `/objects/${device.sha}`, { token: other.token })).status,
      409,
      'a revision uses it',
    );
  });

  test('an export is a complete archive and the same every time', async () => {
    const { world } = shared;
    const owner = await world.person('exporter');
    const device = await world.installed(owner, 'exported bytes');
    const path = `/exports/exporter/${device.nick}/latest/x.tar.gz`;
    assert.equal((await world.ask('GET', path)).status, 404);
    const fetchIt = async () =>
      Buffer.from(
        await (await fetch(world.url + path, { headers: { authorization: `Bearer ${owner.token}` } })).arrayBuffer(),
      );
    const first = await fetchIt();
    const entries = await readArchive(gunzipSync(first));
    assert.deepEqual(Object.keys(entries), ['json', `objects/${device.sha}`]);
    assert.equal(entries[`objects/${device.sha}`], 'exported bytes');
    assert.equal(
      entries.json,
      (await world.ask('GET', `/trails/${device.id}/steps/0/state`, { token: owner.token })).text,
    );
    assert.deepEqual(gunzipSync(await fetchIt()), gunzipSync(first));
  });

  test('the owner hears of changes as they happen, a stranger hears nothing, a revoked token ends the stream', async () => {
    const { world } = shared;
    const owner = await world.person('watcher');
    const stranger = await world.person('watcher2');
    const open = async (token: string, topics: string) =>
      readHubEvents(
        await fetch(`${world.url}/events/?topics=${topics}`, { headers: { authorization: `Bearer ${token}` } }),
      );
    const events = await open(owner.token, 'device,step,log');
    const foreign = await open(stranger.token, 'device,step,log');
    const device = await world.installed(owner);
    await world.must('POST', '/logs/', { token: device.token, body: { msg: 'hello', src: 's' } });
    await world.must('PUT', `/trails/${device.id}/steps/0/progress`, {
      token: device.token,
      body: { status: 'DONE', progress: 100 },
    });
    const heard: string[] = [];
    while (heard.length < 4) {
      const { event } = (await events.next()).value as {
        event: { type: string; what?: string; entries?: { msg: string }[] };
      };
      heard.push(`${event.type} ${event.what ?? event.entries?.[0]?.msg}`);
    }
    assert.deepEqual(heard, ['device claimed', 'step created', 'log hello', 'step progress']);
    const mine = await world.device(stranger);
    const { event } = (await foreign.next()).value as { event: { device: string } };
    assert.equal(event.device, mine.id, 'the first thing the stranger hears is their own');
    world.time.ahead += 2000;
    await world.must('POST', '/auth/logout', { token: owner.token });
    assert.equal((await events.next()).done, true);
    await foreign.return(undefined);
  });

  test('the feed of changes goes forward and back', async () => {
    const { world } = shared;
    const owner = await world.person('feeder');
    const begin = new Date(Date.now() + world.time.ahead - 1000).toISOString();
    const device = await world.installed(owner);
    for (let count = 0; count < 3; count += 1) {
      world.time.ahead += 10;
      await world.must('POST', `/trails/${device.id}/steps`, {
        token: owner.token,
        body: { rev: -1, state: device.state },
      });
    }
    const page = await world.get(`/changes/steps?page[size]=2&page[after]=${begin}`, owner.token);
    const revs = (data: unknown) => (data as { rev: number }[]).map(({ rev }) => rev);
    assert.deepEqual(revs(page.data), [0, 1]);
    const { next } = page.links as unknown as { next: string };
    assert.deepEqual(revs((await world.get(next.slice(world.url.length), owner.token)).data), [2, 3]);
  });
});
