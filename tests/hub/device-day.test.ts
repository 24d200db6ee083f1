import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawExchange } from '../../apps/hub/src/testing/backends.ts';
import { devicePoll, onEveryBackend, shaOf, sharedWorld } from './support/world.ts';

onEveryBackend('a day in the life of a device', (ground) => {
  const shared = sharedWorld(ground);
  const portOf = () => Number(new URL(shared.world.url).port);

  test('registers over HTTP/1.0 with an absolute target and no body, and is claimed', async () => {
    const { world } = shared;
    const answer = await rawExchange(
      portOf(),
      'POST https://hub.example:443/devices/ HTTP/1.0\r\nHost: hub.example:443\r\nConnection: close\r\nUser-Agent: Pantavisor/2\r\n\r\n',
    );
    assert.match(answer, /^HTTP\/1\.[01] 200/);
    assert.doesNotMatch(answer, /transfer-encoding/i);
    const device = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as Record<string, string>;
    assert.deepEqual(
      Object.keys(device),
      'id prn nick owner secret time-created time-modified challenge public user-meta device-meta garbage mark_public_processed'.split(
        ' ',
      ),
    );
    const token = await world.login(device.prn ?? '', device.secret ?? '');
    assert.equal((await world.get(`/devices/${device.id}`, token)).owner, '');
    const owner = await world.person('claimer');
    const stranger = await world.person('claimer2');
    assert.equal((await world.ask('PUT', `/devices/${device.id}?challenge=wrong`, { token: owner.token })).status, 403);
    await world.must('PUT', `/devices/${device.id}?challenge=${device.challenge}`, { token: owner.token });
    assert.equal((await world.get(`/devices/${device.id}`, token)).owner, owner.prn);
    assert.equal(
      (await world.ask('PUT', `/devices/${device.id}?challenge=${device.challenge}`, { token: stranger.token })).status,
      403,
    );
    assert.equal(
      (await world.ask('POST', '/trails/', { token, body: {} })).status,
      403,
      'the old token has no owner yet',
    );
  });

  test('registration and login without a User-Agent are refused as too old', async () => {
    const answer = await rawExchange(portOf(), 'POST /devices/ HTTP/1.0\r\nHost: x\r\n\r\n');
    assert.match(answer, /403[\s\S]*Incompatible Client; upgrade pantavisor/);
  });

  test('the login answer has one member, ignores a stale bearer, and the token fits the buffer of a device', async () => {
    const { world } = shared;
    const owner = await world.person('logins');
    const device = await world.device(owner);
    const reply = await world.ask('POST', '/auth/login', {
      token: 'stale',
      body: { username: device.prn, password: device.secret },
    });
    assert.deepEqual(Object.keys(reply.json), ['token']);
    assert.ok(String(reply.json.token).length <= 1016, `${String(reply.json.token).length} characters`);
    const wrong = await world.ask('POST', '/auth/login', { body: { username: device.prn, password: 'wrong' } });
    assert.equal(wrong.status, 401);
    assert.equal(wrong.headers.get('www-authenticate'), null);
    for (const member of ['error', 'msg', 'code', 'reason', 'request-id']) assert.ok(member in wrong.json, member);
  });

  test('uploads its factory revision, works on a step and reports', async () => {
    const { world } = shared;
    const owner = await world.person('worker');
    const device = await world.device(owner);
    assert.equal((await world.ask('GET', '/trails/', { token: device.token })).text, '[]');
    const content = 'kernel bytes';
    const sha = shaOf(content);
    const body = { objectname: 'bsp/kernel', size: String(content.length), sha256sum: sha };
    const early = await world.ask('POST', '/trails/', {
      token: device.token,
      body: { '#spec': 'pantavisor-service-system@1', 'bsp/kernel': sha },
    });
    assert.equal(early.status, 500);
    assert.match(early.text, /never uploaded/);
    const first = await world.ask('POST', '/objects/', { token: device.token, body });
    assert.equal(first.status, 200);
    assert.equal(
      (await world.ask('POST', '/objects/', { token: device.token, body })).status,
      200,
      'not uploaded yet: again',
    );
    const path = String(first.json['signed-puturl']).replace(/^.*(?=\/local-s3)/, '');
    assert.equal(
      (await world.ask('PUT', path, { raw: content, headers: { 'content-type': 'application/json' } })).status,
      200,
    );
    const again = await world.ask('POST', '/objects/', { token: device.token, body });
    assert.equal(again.status, 409);
    assert.equal(again.headers.get('pantahub-object-type'), 'object');
    await world.must('POST', '/trails/', {
      token: device.token,
      body: { '#spec': 'pantavisor-service-system@1', 'bsp/kernel': sha },
    });
    assert.equal((await world.get('/trails/', device.token)).length, 1);

    const poll = `/trails/${device.id}/steps?${devicePoll}`;
    assert.equal((await world.ask('GET', poll, { token: device.token })).text, '[]');
    assert.equal((await world.ask('GET', poll, { token: device.token })).text, '[]', 'from memory');
    const text =
      '{"commit-msg":"one","rev":-1,"state":{"#spec":"pantavisor-service-system@1","bsp/kernel":"' +
      sha +
      '","x.json":{"b":[1.5,1e3],"a":12345678901234567890}}}';
    const posted = await world.ask('POST', `/trails/${device.id}/steps`, {
      token: owner.token,
      raw: text,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
    assert.equal(posted.status, 200, posted.text);
    const canonical = `{"#spec":"pantavisor-service-system@1","bsp/kernel":"${sha}","x.json":{"a":12345678901234567890,"b":[1.5E0,1000]}}`;
    assert.equal(posted.json.rev, 1);
    assert.equal(posted.json['state-sha'], shaOf(canonical));
    assert.equal(
      (await world.ask('GET', `/trails/${device.id}/steps/1/state`, { token: device.token })).text,
      canonical,
    );
    await world.must('POST', `/trails/${device.id}/steps`, { token: owner.token, body: { rev: 2, state: {} } });

    for (const status of ['QUEUED', 'DOWNLOADING', 'INPROGRESS', 'TESTING']) {
      const stored = await world.must('PUT', `/trails/${device.id}/steps/1/progress`, {
        token: device.token,
        body: { status, 'status-msg': `at ${status}`, progress: 50, retries: 1 },
      });
      assert.equal(stored.status, status);
      const open = await world.get(poll, device.token);
      assert.equal(open.length, 1, 'one step at most, the oldest');
      assert.equal(open[0]?.rev, 1);
      assert.deepEqual(Object.keys(open[0] ?? {}), Object.keys(open[0] ?? {}).toSorted());
    }
    await world.must('PUT', `/trails/${device.id}/steps/1/progress`, {
      token: device.token,
      body: { status: 'DONE', 'status-msg': 'held', progress: 100 },
    });
    assert.equal((await world.get(poll, device.token))[0]?.rev, 2);
    await world.must('PUT', `/trails/${device.id}/steps/2/progress`, {
      token: device.token,
      body: { status: 'WONTGO', progress: 100 },
    });
    assert.equal((await world.ask('GET', poll, { token: device.token })).text, '[]');
    const reports = (await world.get(`/trails/${device.id}/steps/1/reports`, owner.token)) as unknown as {
      status: string;
    }[];
    assert.deepEqual(
      reports.map(({ status }) => status),
      ['QUEUED', 'DOWNLOADING', 'INPROGRESS', 'TESTING', 'DONE'],
    );
    const summary = await world.get(`/trails/${device.id}/summary`, owner.token);
    assert.deepEqual([summary.revision, summary['progress-revision'], summary.status], [2, 2, 'WONTGO']);
    const listed = await world.get('/trails/summary', owner.token);
    assert.equal(listed[0]?.deviceid, device.id);
  });

  test('an upload that breaks off or has wrong bytes leaves nothing; the next one works', async () => {
    const { world } = shared;
    const owner = await world.person('uploader');
    const content = 'x'.repeat(100_000);
    const sha = shaOf(content);
    const body = { objectname: 'big', size: String(content.length), sha256sum: sha };
    const announced = await world.must('POST', '/objects/', { token: owner.token, body });
    const path = new URL(String(announced['signed-puturl'])).pathname;
    await rawExchange(
      portOf(),
      `PUT ${path} HTTP/1.0\r\nHost: x\r\nContent-Length: 50000\r\n\r\n${content.slice(0, 50_000)}`,
    );
    const wrong = await world.ask('PUT', path, { raw: 'y'.repeat(100_000) });
    assert.equal(wrong.status, 400);
    assert.equal(wrong.json.reason, 'wrong-content');
    assert.equal((await world.ask('GET', String(announced['signed-geturl']))).status, 404);
    assert.equal((await world.ask('POST', '/objects/', { token: owner.token, body })).status, 200);
    assert.equal((await world.ask('PUT', path, { raw: content })).status, 200);
    assert.equal((await world.ask('POST', '/objects/', { token: owner.token, body })).status, 409);
    const got = await world.ask('GET', String(announced['signed-geturl']));
    assert.equal(got.text, content);
    assert.match(got.headers.get('content-disposition') ?? '', /filename="big"/);
    const part = await world.ask('GET', String(announced['signed-geturl']), { headers: { range: 'bytes=10-19' } });
    assert.deepEqual(
      [part.status, part.text.length, part.headers.get('content-range')],
      [206, 10, 'bytes 10-19/100000'],
    );
    assert.equal((await world.ask('GET', path)).status, 403, 'the method is part of the permission');
    assert.equal((await world.ask('PUT', '/local-s3/broken', { raw: 'x' })).status, 403);
  });

  test('metadata: dotted keys round-trip, null deletes or unsets, global metadata lies under', async () => {
    const { world } = shared;
    const owner = await world.person('metas');
    const device = await world.device(owner);
    const path = `/devices/${device.id}`;
    assert.deepEqual(
      await world.must('PUT', `${path}/device-meta`, {
        token: device.token,
        body: { 'pantavisor.version': '1', b: 2 },
      }),
      { status: 'ok' },
    );
    await world.must('PATCH', `${path}/device-meta`, {
      token: device.token,
      body: { b: null, 'pantavisor.version': '2' },
    });
    assert.deepEqual((await world.get(path, owner.token))['device-meta'], { 'pantavisor.version': '2' });
    assert.equal((await world.ask('PUT', `${path}/device-meta`, { token: owner.token, body: {} })).status, 400);
    await world.must('PUT', `${path}/user-meta`, { token: owner.token, body: { a: '1', 'c.d': '<&>' } });
    assert.deepEqual(
      await world.must('PATCH', `/devices/${device.nick}/user-meta`, { token: owner.token, body: { a: null } }),
      { a: null },
    );
    const read = await world.ask('GET', `${path}/user-meta`, { token: device.token });
    assert.equal(read.text, '{"a":null,"c.d":"\\u003c\\u0026\\u003e"}');
    await world.must('PUT', '/profiles/config/meta', { token: owner.token, body: { a: 'global', z: 'under' } });
    assert.deepEqual(await world.get(`${path}/user-meta`, device.token), { a: null, 'c.d': '<&>', z: 'under' });
    assert.equal((await world.ask('PATCH', `${path}/user-meta`, { token: device.token, body: {} })).status, 400);
  });

  test('logs keep their order and are read page by page', async () => {
    const { world } = shared;
    const owner = await world.person('logger');
    const device = await world.device(owner);
    const entries = Array.from({ length: 200 }, (_, index) => ({
      tsec: 0,
      tnano: 0,
      src: 's',
      lvl: 'INFO',
      msg: `line ${index}`,
      rev: '1',
    }));
    assert.deepEqual(await world.must('POST', '/logs/', { token: device.token, body: entries }), { status: 'ok' });
    assert.equal((await world.ask('POST', '/logs/', { token: device.token, body: [{ msg: 1 }] })).status, 400);
    let page = await world.get(`/logs/?cursor=true&page=90&sort=time-created&dev=${device.nick}`, owner.token);
    const seen: string[] = [];
    while (page.entries !== undefined) {
      for (const { msg } of page.entries as unknown as { msg: string }[]) seen.push(msg);
      page = await world.must('POST', '/logs/cursor', {
        token: owner.token,
        body: { 'next-cursor': page['next-cursor'] },
      });
    }
    assert.deepEqual(
      seen,
      entries.map(({ msg }) => msg),
    );
    const newest = await world.get('/logs/?page=1', owner.token);
    assert.equal((newest.entries as unknown as { msg: string }[])[0]?.msg, 'line 199');
    assert.equal(newest.count, 200);
    assert.equal((await world.get('/logs/?dev=nobody', owner.token)).entries, undefined);
    const stranger = await world.person('logger2');
    assert.equal((await world.get('/logs/', stranger.token)).entries, undefined);
    const foreign = await world.ask('POST', '/logs/cursor', {
      token: stranger.token,
      body: { 'next-cursor': page['next-cursor'] },
    });
    assert.equal(foreign.status, 403);
  });

  test('a join token makes devices belong to their owner at once', async () => {
    const { world } = shared;
    const owner = await world.person('joiner');
    const token = await world.must('POST', '/devices/tokens', {
      token: owner.token,
      body: { 'default-user-meta': { fleet: 'a' } },
    });
    assert.equal(String(token.token).length, 32);
    const headers = { 'pantahub-devices-auto-token-v1': String(token.token) };
    const made = await world.must('POST', '/devices/', { headers });
    assert.deepEqual([made.owner, made.challenge, made['user-meta']], [owner.prn, undefined, { fleet: 'a' }]);
    assert.equal((await world.get('/devices/tokens', owner.token))[0]?.token, undefined);
    await world.must('DELETE', `/devices/tokens/${token.id}`, { token: owner.token });
    assert.equal((await world.ask('POST', '/devices/', { headers })).status, 400);
  });

  test('a deleted device is gone at once, also with a token from before', async () => {
    const { world } = shared;
    const owner = await world.person('deleter');
    const device = await world.installed(owner);
    await world.get(`/trails/${device.id}/steps?${devicePoll}`, device.token);
    assert.equal((await world.must('DELETE', `/devices/${device.id}`, { token: owner.token })).garbage, true);
    assert.equal(
      (await world.ask('GET', `/trails/${device.id}/steps?${devicePoll}`, { token: device.token })).status,
      401,
    );
    assert.equal(
      (await world.ask('POST', '/auth/login', { body: { username: device.prn, password: device.secret } })).status,
      401,
    );
    assert.equal((await world.ask('GET', `/devices/${device.id}`, { token: owner.token })).status, 404);
  });
});
