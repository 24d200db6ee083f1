/** The fleet as a person looks at it: query lines, facets, pages; sessions of browsers; who changed which metadata. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedFleet } from '../harness/seed-fleet.ts';
import { onEveryBackend, sharedWorld, type World } from './support/world.ts';

interface Page {
  total: number;
  devices: { id: string; nick: string; status: string; revision: number; tags: Record<string, string> }[];
}
interface Facets {
  total: number;
  statuses: { value: string; count: number }[];
  revisions: { value: string; count: number }[];
  seen: { value: string; count: number }[];
  tags: { name: string; value: string; count: number }[];
}

const fleet = async (world: World, token: string, q: string, more = ''): Promise<Page> =>
  (await world.get(`/fleet/devices?q=${encodeURIComponent(q)}${more}`, token)) as unknown as Page;
const facets = async (world: World, token: string, q: string): Promise<Facets> =>
  (await world.get(`/fleet/facets?q=${encodeURIComponent(q)}`, token)) as unknown as Facets;

onEveryBackend('fleet', (ground) => {
  const shared = sharedWorld(ground, { 'default-plan': 'UNLIMITED' });

  test('query lines select, facets count, pages come in the order that was asked for', async () => {
    const { world } = shared;
    const owner = await world.person('fleet_owner');
    await seedFleet(world.hub, owner.prn, 300);
    const bare = await world.device(owner);
    const outline = await world.ask('GET', `/trails/${bare.id}/outline`, { token: owner.token });
    assert.deepEqual([outline.status, outline.text, outline.headers.get('x-total-count')], [200, '[]', '0']);
    const all = await fleet(world, owner.token, '');
    assert.equal(all.total, 301);
    assert.equal(all.devices.length, 100);
    const counts = await facets(world, owner.token, '');
    assert.equal(counts.total, 301);
    for (const list of [counts.statuses, counts.revisions, counts.seen])
      assert.equal(
        list.reduce((sum, { count }) => sum + count, 0),
        301,
      );
    for (const { value, count } of counts.statuses)
      assert.equal((await fleet(world, owner.token, `status:${value || 'unknown'}`)).total, count, value);
    for (const { name, value, count } of counts.tags)
      assert.equal((await fleet(world, owner.token, `tag:${name}=${value}`)).total, count, `${name}=${value}`);
    for (const { value, count } of counts.seen)
      assert.equal((await fleet(world, owner.token, `seen:${value}`)).total >= count, true, value);
    const total = async (q: string) => (await fleet(world, owner.token, q)).total;
    assert.equal((await total('status:failed')) + (await total('-status:failed')), 301);
    assert.equal(await total('tag:site=berlin tag:site=madrid'), 120);
    assert.equal(await total('tag:site=berlin tag:ring=canary'), 20);
    assert.equal(await total('BERLIN 0000'), 20);
    assert.equal(await total('meta:pantavisor.version=020'), 100);
    assert.equal(await total('tag:site'), 300);
    assert.equal(await total('-tag:site'), 1);
    assert.equal(await total('rev:>3'), 200);
    // Tags are those of the moment: texts only, set, changed and taken away by whatever way metadata is written.
    const tagged = `/devices/${bare.id}/user-meta`;
    const write = (method: string, body: object) => world.must(method, tagged, { token: owner.token, body });
    await write('PUT', { 'tag.site': 'oslo', 'tag.n': 1, other: 'x' });
    assert.deepEqual([await total('tag:site=oslo'), await total('tag:n')], [1, 0]);
    await write('PATCH', { 'tag.site': 'rome', 'tag.ring': 'new' });
    assert.deepEqual((await fleet(world, owner.token, 'tag:ring=new')).devices[0]?.tags, { site: 'rome', ring: 'new' });
    await write('PUT', {});
    assert.deepEqual([await total('tag:site=rome'), await total('-tag:site')], [0, 1]);
    assert.equal(await total('public:yes'), 0);
    assert.equal(await total(`${bare.id.slice(0, 12)}`), 1);
    assert.equal(await total('tag:x\'";--=y'), 0);
    assert.equal(await total('%'), 0);
    const last = await fleet(world, owner.token, '', '&sort=-nick&page[offset]=299&page[size]=10');
    assert.deepEqual([last.devices.length, last.total], [2, 301]);
    const byStatus = await fleet(world, owner.token, '', '&sort=-status&page[size]=301');
    assert.deepEqual(
      byStatus.devices.map(({ status }) => status),
      byStatus.devices
        .map(({ status }) => status)
        .toSorted()
        .reverse(),
    );
    const wrong = await world.ask('GET', '/fleet/devices?q=colour:red', { token: owner.token });
    assert.deepEqual([wrong.status, wrong.json.reason], [400, 'bad-request']);
    // The own facet shows what else there would be, the others what is left.
    const narrowed = await facets(world, owner.token, 'status:failed');
    assert.deepEqual(narrowed.statuses, counts.statuses);
    assert.ok(narrowed.total < 301);
    const stranger = await world.person('fleet_stranger');
    assert.equal((await fleet(world, stranger.token, '')).total, 0);
  });

  test('who changed which metadata is remembered', async () => {
    const { world } = shared;
    const owner = await world.person('meta_owner');
    const device = await world.device(owner);
    const path = `/devices/${device.id}/user-meta`;
    await world.must('PATCH', path, { token: owner.token, body: { a: '1', b: { c: 2 } } });
    await world.must('PATCH', path, { token: owner.token, body: { a: '2' } });
    await world.must('PUT', path, { token: owner.token, body: { a: '2' } });
    const history = (await world.get(`${path}/history`, owner.token)) as unknown as Record<string, unknown>[];
    assert.deepEqual(
      history.map(({ key, before, after, 'by-nick': by }) => [key, before, after, by]),
      [
        ['b', { c: 2 }, undefined, 'meta_owner'],
        ['a', '1', '2', 'meta_owner'],
        ['b', undefined, { c: 2 }, 'meta_owner'],
        ['a', undefined, '1', 'meta_owner'],
      ],
    );
  });

  test('a session counts only for the console, and ends when it is ended', async () => {
    const { world } = shared;
    await world.person('session_owner');
    const header = { 'x-pantahub-console': '1' };
    const body = { username: 'session_owner', password: 'password' };
    assert.equal((await world.ask('POST', '/sessions/', { body })).status, 403);
    const evil = { ...header, origin: 'https://evil.example' };
    assert.equal((await world.ask('POST', '/sessions/', { body, headers: evil })).status, 403);
    const made = await world.ask('POST', '/sessions/', { body, headers: header });
    assert.equal(made.status, 200, made.text);
    const cookie = made.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const ask = async (headers: Record<string, string>, path = '/devices/') =>
      (await world.ask('GET', path, { headers })).status;
    assert.equal(await ask({ cookie, ...header }), 200);
    assert.equal(await ask({ cookie }), 401);
    assert.equal(await ask({ cookie, 'sec-fetch-site': 'same-origin' }), 200);
    assert.equal(await ask({ cookie, ...header, 'sec-fetch-site': 'same-site' }), 401);
    assert.equal(await ask({ cookie, ...header, origin: 'http://127.0.0.1:1' }), 401);
    assert.equal(await ask({ cookie, referer: `${world.url}/u/x` }), 200);
    assert.equal((await world.ask('DELETE', '/sessions/current', { headers: { cookie, ...header } })).status, 200);
    assert.equal(await ask({ cookie, ...header }), 401);
  });

  test('lines of a log are found by text and by place', async () => {
    const { world } = shared;
    const owner = await world.person('log_owner');
    const device = await world.device(owner);
    const body = ['one', 'Two 100%', 'three_', 'four'].map((msg) => ({ src: 's', msg }));
    await world.must('POST', '/logs/', { token: device.token, body });
    const read = async (query: string) =>
      (
        (await world.get(`/logs/?sort=time-created&${query}`, owner.token)) as unknown as {
          entries?: { id: string; msg: string }[];
        }
      ).entries ?? [];
    const all = await read('');
    assert.deepEqual(
      (await read('text=TWO')).map(({ msg }) => msg),
      ['Two 100%'],
    );
    assert.deepEqual(
      (await read('text=%25')).map(({ msg }) => msg),
      ['Two 100%'],
    );
    assert.deepEqual(
      (await read('text=_')).map(({ msg }) => msg),
      ['three_'],
    );
    assert.deepEqual(
      (await read(`after-id=${all[1]?.id}`)).map(({ msg }) => msg),
      ['three_', 'four'],
    );
    assert.deepEqual(
      (await read(`before-id=${all[1]?.id}`)).map(({ msg }) => msg),
      ['one'],
    );
    assert.equal((await world.ask('GET', '/logs/?after-id=x', { token: owner.token })).status, 400);
  });
});
