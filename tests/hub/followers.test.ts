/** Devices that follow others (`pvr-auto-follow.url`): what they get, when, once, and only what their owner may read. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readHubEvents } from '@pantavisor/hub-api';
import { type HubProcess, request, startProcess } from './support/process.ts';
import { devicePoll, onEveryBackend, shaOf, sharedWorld, type World } from './support/world.ts';

type Person = Awaited<ReturnType<World['person']>>;
type Device = Awaited<ReturnType<World['installed']>>;
type Step = {
  rev: number;
  'commit-msg': string;
  state: Record<string, unknown>;
  meta: Record<string, unknown>;
  progress: { status: string; 'status-msg': string };
};

const allSteps = '?progress.status=%7B%22$ne%22:%22%22%7D';

/** Nothing is left to do, and nobody is at it. */
async function settled({ hub }: World): Promise<void> {
  for (;;) {
    const left = await hub.db.selectFrom('follow_work').select('id').limit(1).executeTakeFirst();
    if (left === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const steps = async (world: World, owner: Person, { id }: { id: string }) =>
  (await world.get(`/trails/${id}/steps${allSteps}`, owner.token)) as unknown as Step[];
const follow = (world: World, owner: Person, { id }: { id: string }, url: unknown) =>
  world.must('PATCH', `/devices/${id}/user-meta`, { token: owner.token, body: { 'pvr-auto-follow.url': url } });
const report = (world: World, device: Device, rev: number, status: string) =>
  world.must('PUT', `/trails/${device.id}/steps/${rev}/progress`, {
    token: device.token,
    body: { status, progress: 100 },
  });

/** Posts a revision with a new object; it is not tried yet. */
async function post(
  world: World,
  owner: Person,
  device: Device,
  content: string,
): Promise<{ rev: number; sha: string }> {
  const sha = await world.upload(owner.token, content);
  const state = { ...device.state, 'app/root.squashfs': sha, 'app/run.json': { size: 1.5e300, name: content } };
  const step = await world.must('POST', `/trails/${device.id}/steps`, {
    token: owner.token,
    body: { rev: -1, state, 'commit-msg': `with ${content}` },
  });
  return { rev: Number(step.rev), sha };
}

async function deploy(
  world: World,
  owner: Person,
  device: Device,
  content: string,
): Promise<{ rev: number; sha: string }> {
  const step = await post(world, owner, device, content);
  await report(world, device, step.rev, 'DONE');
  return step;
}

onEveryBackend('followers', (ground) => {
  const scene = sharedWorld(ground, { 'follow-rate': '2', 'public-url': '', 'default-plan': 'UNLIMITED' });

  test('a pack gets the state of its leader when that has proved itself, each once, and is told at once', async () => {
    const { world } = scene;
    const owner = await world.person('shepherd');
    const leader = await world.installed(owner);
    const pack: Device[] = [];
    for (let count = 0; count < 5; count += 1) pack.push(await world.installed(owner));
    const bystander = await world.installed(owner);
    const urls = [
      `${world.url}/shepherd/${leader.nick}`,
      `shepherd/${leader.nick}`,
      `https://localhost/trails/${leader.id}`,
      `${world.url}/shepherd/${leader.nick}/.pvrremote`,
      `  /trails/${leader.id} `,
    ];
    for (const [index, member] of pack.entries()) await follow(world, owner, member, urls[index]);
    await settled(world);
    for (const member of pack) {
      const [, first] = await steps(world, owner, member);
      assert.deepEqual(
        [first?.state, first?.progress.status],
        [leader.state, 'NEW'],
        'who begins to follow gets what is there',
      );
      await report(world, member, 1, 'DONE');
    }

    const [member] = pack;
    assert.ok(member);
    const stream = await fetch(`${world.url}/events/?topics=step`, {
      headers: { authorization: `Bearer ${member.token}` },
    });
    const { rev, sha } = await post(world, owner, leader, 'one');
    for (const status of ['DOWNLOADING', 'INPROGRESS', 'TESTING']) await report(world, leader, rev, status);
    await settled(world);
    for (const one of pack)
      assert.equal((await steps(world, owner, one)).length, 2, 'nothing before it has proved itself');
    for (const status of ['DONE', 'DONE', 'UPDATED']) await report(world, leader, rev, status);
    await settled(world);
    const [original] = (await steps(world, owner, leader)).slice(-1);
    for (const one of pack) {
      const all = await steps(world, owner, one);
      assert.deepEqual([all.length, all[2]?.state], [3, original?.state]);
      assert.equal(all[2]?.['commit-msg'], `shepherd/${leader.nick} revision 1: with one`);
    }
    assert.equal((await steps(world, owner, bystander)).length, 1);
    for await (const { event } of readHubEvents(stream)) {
      assert.deepEqual(event, { type: 'step', what: 'created', device: member.id, rev: 2 });
      break;
    }
    const offered = await world.get(`/trails/${member.id}/steps?${devicePoll}`, member.token);
    assert.equal(offered.length, 1);
    const object = await world.ask('GET', `/objects/${sha}`, { token: member.token });
    assert.equal(object.status, 200);

    await report(world, member, 2, 'DONE');
    const own = await post(world, owner, member, 'of its own');
    await report(world, leader, rev, 'DONE');
    await settled(world);
    assert.equal((await steps(world, owner, member)).at(-1)?.rev, own.rev, 'a report that comes again changes nothing');
    await follow(world, owner, member, null);
    await deploy(world, owner, leader, 'two');
    await settled(world);
    assert.equal((await steps(world, owner, member)).at(-1)?.rev, own.rev, 'who follows no more gets nothing');
    assert.equal((await steps(world, owner, pack[1] as Device)).length, 4);
  });

  test('a device that was away goes to the newest state: what it never began with is taken back', async () => {
    const { world } = scene;
    const owner = await world.person('patient');
    const [leader, sleeper] = [await world.installed(owner), await world.installed(owner)];
    await follow(world, owner, sleeper, `patient/${leader.nick}`);
    for (const content of ['a', 'b']) {
      await deploy(world, owner, leader, content);
      await settled(world);
    }
    await report(world, sleeper, 2, 'DOWNLOADING');
    await deploy(world, owner, leader, 'c');
    await settled(world);
    const found = (await steps(world, owner, sleeper)).map(({ progress }) => progress.status);
    assert.deepEqual(found, ['DONE', 'CANCEL', 'DOWNLOADING', 'CANCEL', 'NEW']);
    const bad = await post(world, owner, leader, 'bad');
    await report(world, leader, bad.rev, 'ERROR');
    await settled(world);
    assert.equal((await steps(world, owner, sleeper)).length, 5, 'what failed at the leader goes nowhere');
  });

  test('only what the owner may read is followed: public devices, whose objects are linked', async () => {
    const { world } = scene;
    const [giver, taker] = [await world.person('giver'), await world.person('taker')];
    const [leader, follower] = [await world.installed(giver), await world.installed(taker)];
    await follow(world, taker, follower, `${world.url}/giver/${leader.nick}`);
    await deploy(world, giver, leader, 'private content');
    await settled(world);
    assert.equal((await steps(world, taker, follower)).length, 1);
    await world.must('PUT', `/devices/${leader.id}/public`, { token: giver.token });
    const { sha } = await deploy(world, giver, leader, 'public content');
    await settled(world);
    assert.equal((await steps(world, taker, follower)).length, 2);
    const object = await world.ask('GET', `/trails/${follower.id}/steps/1/objects/${sha}`, { token: follower.token });
    assert.equal(object.headers.get('pantahub-object-type'), 'link');
    assert.equal((await world.ask('GET', String(object.json['signed-geturl']))).text, 'public content');
    await world.must('DELETE', `/devices/${leader.id}/public`, { token: giver.token });
    await deploy(world, giver, leader, 'private again');
    await settled(world);
    assert.equal((await steps(world, taker, follower)).length, 2);
  });

  test('an address of another hub, of one revision or of a part is not followed, nor is nonsense', async () => {
    const { world } = scene;
    const owner = await world.person('careful');
    const [leader, follower] = [await world.installed(owner), await world.installed(owner)];
    const path = `careful/${leader.nick}`;
    for (const url of [
      `https://pvr.pantahub.com/${path}`,
      `${world.url}/${path}/0`,
      `${world.url}/${path}#app`,
      'nobody/nothing',
      '',
      'a b/c',
      7,
      {},
      `careful/${follower.nick}`,
    ]) {
      await follow(world, owner, follower, url);
      await deploy(world, owner, leader, JSON.stringify(url));
      await settled(world);
      assert.equal((await steps(world, owner, follower)).length, 1, JSON.stringify(url));
    }
  });

  test('devices that follow each other come to rest', async () => {
    const { world } = scene;
    const owner = await world.person('circle');
    const ring = [await world.installed(owner), await world.installed(owner), await world.installed(owner)];
    for (const [index, device] of ring.entries())
      await follow(world, owner, device, `circle/${ring[(index + 1) % ring.length]?.nick}`);
    await settled(world);
    for (const device of ring) await post(world, owner, device, `of ${device.nick}`);
    let isCalm = false;
    for (let round = 0; !isCalm; round += 1) {
      assert.ok(round < 20, 'it goes round and round');
      isCalm = true;
      for (const device of ring)
        for (const { rev, progress } of await steps(world, owner, device)) {
          if (progress.status !== 'NEW') continue;
          isCalm = false;
          await report(world, device, rev, 'DONE');
        }
      await settled(world);
    }
  });

  test('what an owner set for all devices holds, and a device may say otherwise', async () => {
    const { world } = scene;
    const owner = await world.person('general');
    const [leader, soldier, rebel] = [
      await world.installed(owner),
      await world.installed(owner),
      await world.installed(owner),
    ];
    await follow(world, owner, rebel, '');
    await world.must('PUT', '/profiles/config/meta', {
      token: owner.token,
      body: { 'pvr-auto-follow.url': `general/${leader.nick}` },
    });
    await deploy(world, owner, leader, 'orders');
    await settled(world);
    const recruit = await world.installed(owner);
    await settled(world);
    assert.deepEqual(
      await Promise.all(
        [leader, soldier, rebel, recruit].map(
          async (one) => (await steps(world, owner, one)).at(-1)?.state['app/root.squashfs'],
        ),
      ),
      [shaOf('orders'), shaOf('orders'), undefined, shaOf('orders')],
    );
  });
});

onEveryBackend('followers of a hub that is killed', (ground) => {
  test('each gets the state once, whenever the hub died', async () => {
    const data = mkdtempSync(join(tmpdir(), 'hub-follow-'));
    const settings = { data, 'default-plan': 'UNLIMITED', 'follow-rate': '50', ...(await ground.fresh()) };
    let hub: HubProcess = await startProcess(settings);
    const login = async (username: string, password: string) =>
      (await request(hub.url, 'POST', '/auth/login', undefined, { username, password })).json.token ?? '';
    try {
      const { invitation } = hub;
      await request(hub.url, 'POST', '/auth/accounts', undefined, {
        email: 'a@example.org',
        nick: 'owner',
        password: 'password',
        invitation,
      });
      const token = await login('owner', 'password');
      const state = (name: string) => ({ '#spec': 'pantavisor-service-system@1', 'app/run.json': { name } });
      const make = async (name: string) => {
        const device = (await request(hub.url, 'POST', '/devices/')).json;
        await request(hub.url, 'PUT', `/devices/${device.id}?challenge=${device.challenge}`, token);
        const own = await login(device.prn ?? '', device.secret ?? '');
        await request(hub.url, 'POST', '/trails/', own, state(name));
        return { id: device.id ?? '', token: own };
      };
      const leader = await make('first');
      const pack = await Promise.all(Array.from({ length: 12 }, () => make('first')));
      for (const { id } of pack)
        await request(hub.url, 'PATCH', `/devices/${id}/user-meta`, token, {
          'pvr-auto-follow.url': `/trails/${leader.id}`,
        });
      for (const name of ['second', 'third']) {
        const { json } = await request(hub.url, 'POST', `/trails/${leader.id}/steps`, token, {
          rev: -1,
          state: state(name),
        });
        const done = await request(hub.url, 'PUT', `/trails/${leader.id}/steps/${json.rev}/progress`, leader.token, {
          status: 'DONE',
        });
        assert.equal(done.status, 200);
        await hub.end('SIGKILL');
        hub = await startProcess(settings);
        for (const { id } of pack) {
          for (;;) {
            const { json: all } = await request(hub.url, 'GET', `/trails/${id}/steps${allSteps}`, token);
            const names = (all as unknown as Step[]).map(
              (step) => (step.state['app/run.json'] as { name: string }).name,
            );
            assert.deepEqual(names, [...new Set(names)], 'nothing twice');
            if (names.includes(name)) break;
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        }
      }
    } finally {
      await hub.end('SIGKILL');
      rmSync(data, { recursive: true, force: true });
    }
  });
});
