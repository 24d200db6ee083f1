import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { catalogue, fillPath, type Route } from '@pantavisor/hub-api';
import { callers, verdicts } from './support/verdicts.ts';
import { shaOf, World } from './support/world.ts';

/** What the requests of the matrix are about: a device of the owner with two revisions, and things of the owner's account. */
interface Scene {
  tokens: Record<(typeof callers)[number], string | undefined>;
  values: Record<string, string>;
  bodies: Record<string, unknown>;
  headers: Record<string, Record<string, string>>;
}

const operator = { authorization: `Basic ${Buffer.from('saadmin:secret').toString('base64')}` };

async function makeScene(
  world: World,
  people: Record<'owner' | 'stranger' | 'admin', { token: string; prn: string; nick: string }>,
): Promise<Scene> {
  const { owner, stranger, admin } = people;
  const device = await world.installed(owner);
  const other = await world.installed(stranger);
  await world.must('POST', `/trails/${device.id}/steps`, {
    token: owner.token,
    body: { rev: -1, state: device.state },
  });
  const unused = await world.upload(owner.token, `unused ${device.id}`);
  const joinToken = await world.must('POST', '/devices/tokens', { token: owner.token });
  const app = await world.must('POST', '/apps/', {
    token: owner.token,
    body: {
      type: 'public',
      redirect_uris: ['http://localhost/'],
      scopes: [{ id: 'devices.readonly', service: 'prn:pantahub.com:apis:/base' }],
    },
  });
  const access = await world.must('POST', '/tokens/', { token: owner.token });
  const grown = await world.get(`/objects/${device.sha}`, owner.token);
  return {
    tokens: {
      nobody: undefined,
      anonymous: await world.login('prn:pantahub.com:auth:/anon', ''),
      stranger: stranger.token,
      'other device': other.token,
      'narrow app': await world.login(owner.nick, 'password', 'metrics.readonly'),
      admin: admin.token,
      device: device.token,
      owner: owner.token,
    },
    values: {
      device: device.id,
      rev: '1',
      sha: device.sha,
      unused,
      joinToken: String(joinToken.id),
      app: String(app.id),
      accessToken: String(access.id),
      ownernick: owner.nick,
      devicenick: device.nick,
      getToken: String(grown['signed-geturl']).replace(/^.*local-s3\//, ''),
      putToken: String(grown['signed-puturl']).replace(/^.*local-s3\//, ''),
    },
    bodies: {
      'auth.login': { username: owner.nick, password: 'password' },
      'auth.recover': { email: 'nobody@example.org' },
      'auth.code': { service: String(app.id), redirect_uri: 'http://localhost/' },
      'auth.authorize': { service: String(app.id), redirect_uri: 'http://localhost/' },
      'auth.token': { 'access-code': 'unknown' },
      'auth.signatureVerify': { 'token-id': 'x', owner: 'x', 'idevid-name': 'x', signature: 'x' },
      'devices.patch': {},
      'devices.register': { csr: 'x', name: 'x', 'device-name': device.id },
      'objects.create': { objectname: 'o', size: '1', sha256sum: shaOf('1') },
      'trails.postObject': { objectname: 'o', size: '1', sha256sum: shaOf('1') },
      'objects.put': { owner: owner.prn, sha256sum: device.sha, objectname: 'n' },
      'trails.create': device.state,
      'trails.post': { rev: -1, state: device.state },
      'trails.putState': device.state,
      'trails.putProgress': { status: 'INPROGRESS', progress: 1 },
      'logs.post': { msg: 'm' },
      'logs.cursor': { 'next-cursor': 'broken' },
      'apps.create': {
        type: 'public',
        redirect_uris: ['http://localhost/'],
        scopes: [{ id: 'all', service: 'prn:pantahub.com:apis:/base' }],
      },
      'apps.put': {
        type: 'public',
        redirect_uris: ['http://localhost/'],
        scopes: [{ id: 'all', service: 'prn:pantahub.com:apis:/base' }],
      },
      'subscriptions.set': { subject: stranger.prn, plan: 'VIP' },
    },
    headers: {},
  };
}

/** Which value of the scene stands for a path parameter of a route. */
function paramsOf(route: Route, values: Scene['values']): Record<string, string> {
  const [resource] = route.id.split('.');
  const id = { apps: 'app', tokens: 'accessToken', devices: 'device', trails: 'device' }[resource ?? ''] ?? 'device';
  return {
    id: (route.id === 'devices.removeToken' ? values.joinToken : values[id]) ?? '',
    rev: values.rev ?? '',
    sha: (route.id === 'objects.remove' ? values.unused : values.sha) ?? '',
    nick: values.ownernick ?? '',
    usernick: values.ownernick ?? '',
    ownernick: values.ownernick ?? '',
    devicenick: values.devicenick ?? '',
    filename: 'x.tar',
    service: 'github',
    token: (route.method === 'GET' ? values.getToken : values.putToken) ?? '',
  };
}

describe('who may do what', { timeout: 120_000 }, () => {
  let world: World;
  const people = {} as Record<'owner' | 'stranger' | 'admin', { token: string; prn: string; nick: string }>;
  let scene: Scene;
  before(async () => {
    world = await World.start({ 'operator-secret': 'secret', 'default-plan': 'UNLIMITED' });
    people.owner = await world.person('owner');
    people.stranger = await world.person('stranger');
    people.admin = await world.person('chief', 'admin');
    scene = await makeScene(world, people);
  });
  after(() => world.stop());

  test('every route has its row, and every row a route', () => {
    assert.deepEqual(Object.keys(verdicts).toSorted(), catalogue.map(({ id }) => id).toSorted());
  });

  for (const route of catalogue) {
    // These end a stream only with the subscriber, or every session of the caller.
    if (route.id === 'events.stream' || route.id === 'auth.logout') continue;
    test(`${route.id}: ${route.method} ${route.path}`, async () => {
      const changes = route.method !== 'GET';
      const own = changes ? await makeScene(world, people) : scene;
      const found: Record<string, number> = {};
      for (const caller of callers) {
        const path = fillPath(route.path, paramsOf(route, own.values));
        const body = own.bodies[route.id] ?? (changes ? {} : undefined);
        const token = own.tokens[caller];
        const reply = await world.ask(route.method, path, {
          token,
          ...(route.access === 'signed' && changes ? { raw: createHash('sha256').digest() } : { body }),
        });
        found[caller] = reply.status;
      }
      const wanted = verdicts[route.id] ?? [];
      assert.deepEqual(found, Object.fromEntries(callers.map((caller, index) => [caller, wanted[index]])));
    });
  }

  test('operator routes open with the operator password and with no other', async () => {
    for (const route of catalogue.filter(({ access }) => access === 'operator')) {
      const path = fillPath(route.path, paramsOf(route, scene.values));
      assert.equal((await world.ask(route.method, path, { headers: operator })).status, 200, route.id);
      const wrong = { authorization: `Basic ${Buffer.from('saadmin:wrong').toString('base64')}` };
      assert.equal((await world.ask(route.method, path, { headers: wrong })).status, 401, route.id);
    }
  });

  test('events reach only those whose things they are about', async () => {
    const listen = async (token: string | undefined) =>
      await fetch(`${world.url}/events/`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
    for (const caller of callers) {
      const wanted = verdicts['events.stream']?.[callers.indexOf(caller)];
      const response = await listen(scene.tokens[caller]);
      assert.equal(response.status, wanted, caller);
      await response.body?.cancel();
    }
  });
});
