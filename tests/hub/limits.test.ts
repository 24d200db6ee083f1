import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { type AddressInfo, createConnection } from 'node:net';
import { test } from 'node:test';
import { Shedder } from '../../apps/hub/src/http/shed.ts';
import { onEveryBackend, shaOf, sharedWorld, World } from './support/world.ts';

onEveryBackend('plans', (ground) => {
  const shared = sharedWorld(ground);

  test('devices and objects stop at the plan, at once after it changes', async () => {
    const { world } = shared;
    const user = await world.person('small');
    const admin = await world.person('giver', 'admin');
    const give = (attrs: object) =>
      world.must('PUT', '/subscriptions/admin/subscription', {
        token: admin.token,
        body: { subject: user.prn, plan: 'prn::subscriptions:CUSTOM', attrs },
      });
    await give({ DEVICES: '1', OBJECTS: '100B', BANDWIDTH: '100B' });
    const device = await world.device(user);
    const made = await world.must('POST', '/devices/');
    const claim = () => world.ask('PUT', `/devices/${made.id}?challenge=${made.challenge}`, { token: user.token });
    assert.deepEqual([(await claim()).status, (await claim()).json.reason], [403, 'quota-exceeded']);
    const announce = (content: string) =>
      world.ask('POST', '/objects/', {
        token: user.token,
        body: { objectname: 'o', size: String(content.length), sha256sum: shaOf(content) },
      });
    assert.equal((await announce('a'.repeat(101))).status, 500, 'the first object counts too');
    assert.equal((await announce('b'.repeat(60))).status, 200);
    assert.equal((await announce('b'.repeat(60))).status, 200, 'the same again does not count twice');
    const second = await announce('c'.repeat(60));
    assert.match(String(second.json.msg), /^Quota exceeded/);
    await give({ DEVICES: '2', OBJECTS: '1KiB', BANDWIDTH: '100B' });
    assert.equal((await claim()).status, 200);
    const sha = await world.upload(user.token, 'd'.repeat(90));
    const object = await world.get(`/objects/${sha}`, user.token);
    const fetchIt = () => world.ask('GET', String(object['signed-geturl']));
    assert.deepEqual([(await fetchIt()).status, (await fetchIt()).status, (await fetchIt()).status], [200, 200, 403]);
    const dash = await world.get('/dash/', user.token);
    assert.equal((dash.subscription as unknown as { 'plan-id': string })['plan-id'], 'CUSTOM');
    const { Subs } = (await world.get('/subscriptions/', user.token)) as unknown as { Subs: { history: object[] }[] };
    assert.equal(Subs[0]?.history.length, 1);
    await world.must('DELETE', `/devices/${device.id}`, { token: user.token });
  });
});

test('a caller that asks too often waits, others do not', async () => {
  // So few that a busy machine, too, asks more often.
  const world = await World.start({ 'rate-per-caller': '1' });
  try {
    const eager = await world.person('eager');
    const calm = await world.person('calm');
    const replies = await Promise.all(
      Array.from({ length: 80 }, () => world.ask('GET', '/devices/', { token: eager.token })),
    );
    const refused = replies.filter(({ status }) => status === 429);
    assert.ok(refused.length > 10, `${refused.length} refused`);
    assert.ok(refused.every(({ headers }) => Number(headers.get('retry-after')) >= 1));
    assert.equal((await world.ask('GET', '/devices/', { token: calm.token })).status, 200);
  } finally {
    await world.stop();
  }
});

test('a body above the limit of its route is refused with 413', async () => {
  const world = await World.start({});
  try {
    const person = await world.person('big');
    const body = { email: 'x'.repeat(100_000) };
    assert.equal((await world.ask('POST', '/auth/recover', { body })).status, 413);
    const device = await world.device(person);
    const lines = Array.from({ length: 200 }, () => ({ msg: 'x'.repeat(1300), src: 's' }));
    assert.equal(
      (await world.ask('POST', '/logs/', { token: device.token, body: lines })).status,
      200,
      '256 KiB and more of logs',
    );
  } finally {
    await world.stop();
  }
});

/** Asks over and over on some connections; a refused one waits as told. Stops after a number of good answers. */
async function load(port: number, connections: number, enough: number): Promise<{ good: number; shed: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let good = 0;
  let shed = 0;
  const ask = async () => {
    const outgoing = request({ port, host: '127.0.0.1', agent }).end();
    const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
    response.resume();
    await once(response, 'end');
    return { status: response.statusCode, after: Number(response.headers['retry-after'] ?? 0) };
  };
  const client = async () => {
    while (good < enough) {
      const { status, after } = await ask();
      if (status === 200) good += 1;
      else {
        assert.equal(status, 503);
        assert.ok(after >= 1);
        shed += 1;
        // A tenth of what was asked for: an impatient client, so that the test is short.
        await new Promise((resume) => setTimeout(resume, after * 100));
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return { good, shed };
}

test('at ten times its capacity the hub sheds with 503 and Retry-After, goes on and recovers', async () => {
  // A request that occupies the process for a millisecond, behind the real gate.
  const shedder = new Shedder(8);
  const server = createServer(
    shedder.guard((_request, response) => {
      setImmediate(() => {
        const until = performance.now() + 1;
        while (performance.now() < until);
        response.end('{}');
      });
    }),
  ).listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const capacity = await load(port, 8, 400);
    const flooded = await load(port, 80, 800);
    const recovered = await load(port, 8, 200);
    assert.equal(capacity.shed, 0);
    assert.ok(flooded.shed > 0, 'it sheds');
    assert.equal(recovered.shed, 0, 'it recovers');
    assert.ok(flooded.good >= 800, 'and goes on answering; how much is in bench/hub-overload.ts');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('behind a proxy the address is the one the proxy saw, not what the client claims', async () => {
  const world = await World.start({ 'trust-proxy': 'true' });
  try {
    const made = await world.must('POST', '/devices/');
    const token = await world.login(String(made.prn), String(made.secret));
    const headers = {
      'x-forwarded-for': '6.6.6.6, 10.1.2.3',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'hub.example',
    };
    await world.must('PUT', `/devices/${made.id}/device-meta`, { token, body: {}, headers });
    await world.hub.presence.flush();
    const row = await world.hub.db
      .selectFrom('devices')
      .select('address')
      .where('id', '=', String(made.id))
      .executeTakeFirst();
    assert.equal(row?.address, '10.1.2.3');
    const refused = await world.ask('GET', '/trails/', { headers });
    assert.match(refused.headers.get('www-authenticate') ?? '', /ph-aeps="https:\/\/hub\.example\/auth"/);
  } finally {
    await world.stop();
  }
});

test('a client that sends its request a byte at a time is cut off, others are served meanwhile', {
  timeout: 60_000,
}, async () => {
  const world = await World.start({});
  try {
    const { port } = new URL(world.url);
    const slow = createConnection(Number(port), '127.0.0.1');
    const closed = once(slow.resume(), 'close');
    slow.on('error', () => undefined);
    slow.write('GET /healthz/live HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const drip = setInterval(() => slow.write('a'), 500);
    try {
      assert.equal((await world.ask('GET', '/healthz/live')).status, 200);
      await closed;
    } finally {
      clearInterval(drip);
      slow.destroy();
    }
  } finally {
    await world.stop();
  }
});
