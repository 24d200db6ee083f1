/** Whole devices under update: the real program on the simulated machine, through the control socket, in virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groups, UpdateDevice, versioned } from './testing/update-device.ts';

const timeout = 30_000;
const initial = [versioned('web', 1), versioned('db', 1)];
const next = [versioned('web', 2), versioned('db', 1)];

test('an update in place restarts only what changed, and a later boot makes it the rollback point', {
  timeout,
}, async () => {
  const device = await UpdateDevice.install(initial);
  const before = device.pids();
  await device.store('locals/next', next);
  assert.deepEqual(await device.progress('locals/next'), {
    status: 'NEW',
    message: 'Update ready to be run',
    progress: 0,
    retries: 0,
  });
  assert.equal(await device.command('LOCAL_RUN', 'locals/next'), '200');
  await device.until('locals/next', 'TESTING');
  assert.match(await device.command('LOCAL_RUN', '0'), /^503 .*update is ongoing/);
  assert.equal((await device.progress('locals/next')).message, 'Awaiting to see if update is stable');
  await device.until('locals/next', 'UPDATED');
  const after = device.pids();
  assert.equal(after.db, before.db);
  assert.notEqual(after.web, before.web);
  assert.equal(await device.current(), 'locals/next');
  assert.deepEqual(await device.bootEntries(), ['pv_rev=0', 'pv_try=locals/next']);
  assert.equal(await device.command('REBOOT_DEVICE'), '200');
  assert.equal(await device.reboot(), 0);
  await device.until('locals/next', 'DONE');
  assert.equal((await device.progress('locals/next')).message, 'Update finished, revision set as rollback point');
  assert.ok((await device.bootEntries()).includes('pv_rev=locals/next'));
  assert.ok(await device.host.files.status('/data/trails/locals/next/.pv/done'));
  assert.equal(await device.device.stop(), 0);
});

test('an update that needs a reboot runs after it and becomes the rollback point', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  await device.store('locals/next', next, { 'bsp/extra.json': { changed: true } });
  assert.equal(await device.command('LOCAL_RUN', 'locals/next'), '200');
  assert.equal(await device.reboot(), 0);
  assert.match(
    await device.host.files.readText('/data/logs/0/pantavisor/pantavisor.log'),
    /reboot because bsp\/extra.json/,
  );
  await device.device.ready();
  assert.equal(await device.current(), 'locals/next');
  await device.until('locals/next', 'TESTING');
  assert.equal((await device.progress('locals/next')).message, 'Awaiting to set rollback point if update is stable');
  await device.until('locals/next', 'DONE');
  await device.device.request('GET', '/containers');
  assert.ok((await device.bootEntries()).includes('pv_rev=locals/next'));
  assert.equal(await device.device.stop(), 0);
});

test('a second update in place leaves alone what only the first one changed', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  await device.store('locals/first', next);
  await device.store('locals/second', [versioned('web', 2), versioned('db', 2)]);
  assert.equal(await device.command('LOCAL_RUN', 'locals/first'), '200');
  await device.until('locals/first', 'UPDATED');
  const before = device.pids();
  assert.equal(await device.command('LOCAL_RUN', 'locals/second'), '200');
  await device.until('locals/second', 'UPDATED');
  const after = device.pids();
  assert.equal(after.web, before.web);
  assert.notEqual(after.db, before.db);
  assert.equal(await device.device.stop(), 0);
});

test('a stored revision whose state is lost does not stand in the way of the next', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  await device.store('locals/lost', next);
  await device.host.files.unlink('/data/trails/locals/lost/.pvr/json');
  await device.store('locals/next', next);
  assert.equal(await device.command('LOCAL_RUN', 'locals/next'), '200');
  await device.until('locals/next', 'UPDATED');
  assert.equal(await device.current(), 'locals/next');
  // Asked for by name it fails, and the one that runs goes on running.
  assert.equal(await device.command('LOCAL_RUN', 'locals/lost'), '200');
  await device.until('locals/lost', 'WONTGO');
  assert.equal(await device.current(), 'locals/next');
  assert.equal(await device.device.stop(), 0);
});

test('pools that change ask for a reboot, so that no container keeps an address of the old ones', {
  timeout,
}, async () => {
  const deviceOf = (subnet: string, gateway: string) => ({
    'device.json': { groups, network: { pools: { internal: { type: 'bridge', bridge: 'pvbr0', subnet, gateway } } } },
  });
  const device = await UpdateDevice.install(initial, {}, deviceOf('10.0.3.0/24', '10.0.3.1'));
  await device.store('locals/pools', initial, deviceOf('10.0.4.0/24', '10.0.4.1'));
  assert.equal(await device.command('LOCAL_RUN', 'locals/pools'), '200');
  assert.equal(await device.reboot(), 0);
  const log = await device.host.files.readText('/data/logs/0/pantavisor/pantavisor.log');
  assert.match(log, /reboot because device\.json changed/);
  await device.until('locals/pools', 'DONE');
  assert.equal(await device.device.stop(), 0);
});

const bad = [
  {
    what: 'a container that ends',
    containers: [versioned('web', 2, 'ends at once'), versioned('db', 1)],
    message: 'A container could not be started',
    reason: 'container-exited',
  },
  {
    what: 'a container that LXC refuses',
    containers: [versioned('web', 2, 'unstartable'), versioned('db', 1)],
    message: 'A container could not be started',
    reason: 'container-not-startable',
  },
  {
    what: 'a container that never says ready',
    containers: [versioned('web', 2, 'good', { status_goal: 'READY' }), versioned('db', 1)],
    message: 'Status goal not reached',
    reason: 'goal-timed-out',
  },
] as const;

for (const { what, containers, message, reason } of bad) {
  for (const byReboot of [false, true]) {
    test(`rollback from ${what}, ${byReboot ? 'after a reboot' : 'in place'}`, { timeout }, async () => {
      const device = await UpdateDevice.install(initial);
      await device.store('locals/bad', containers);
      assert.equal(await device.command(byReboot ? 'LOCAL_RUN_COMMIT' : 'LOCAL_RUN', 'locals/bad'), '200');
      assert.equal(await device.reboot(), 0);
      if (byReboot) assert.equal(await device.reboot(), 0);
      await device.device.ready();
      assert.equal(await device.current(), '0');
      const { status, message: said, logs } = await device.progress('locals/bad');
      assert.deepEqual([status, said], ['ERROR', message]);
      assert.ok(logs === undefined || logs.length <= 4096);
      assert.ok((await device.reasons('locals/bad')).includes(reason), (await device.reasons('locals/bad')).join());
      assert.deepEqual(Object.keys(device.pids()).sort(), ['db', 'web']);
      assert.ok(!(await device.bootEntries()).includes('pv_try=locals/bad'));
      // The failure stays, whatever runs later.
      await device.store('locals/next', next);
      await device.command('LOCAL_RUN', 'locals/next');
      await device.until('locals/next', 'UPDATED');
      assert.equal((await device.progress('locals/bad')).message, message);
      assert.equal(await device.device.stop(), 0);
    });
  }
}

test('a revision without its objects is refused before anything stops', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  const before = device.pids();
  await device.store('locals/bad', next, {}, ['web/lxc.container.conf']);
  assert.equal(await device.command('LOCAL_RUN', 'locals/bad'), '200');
  await device.until('locals/bad', 'ERROR');
  assert.equal((await device.progress('locals/bad')).message, 'Object validation went wrong');
  assert.deepEqual(await device.reasons('locals/bad'), ['object-missing']);
  assert.deepEqual(device.pids(), before);
  assert.equal(await device.command('LOCAL_RUN', 'locals/none'), '200');
  await device.until('locals/none', 'WONTGO');
  assert.equal((await device.progress('locals/none')).message, 'State JSON not found');
  assert.deepEqual(device.pids(), before);
});

test('a damaged object is found by its checksum, in place and after a reboot', { timeout }, async () => {
  for (const op of ['LOCAL_RUN', 'LOCAL_RUN_COMMIT']) {
    const device = await UpdateDevice.install(initial);
    await device.store('locals/bad', next);
    const { files } = device.host;
    const id = JSON.parse(await files.readText('/data/trails/locals/bad/.pvr/json'))['web/lxc.container.conf'];
    await files.overwrite(`/data/objects/${id}`, new Uint8Array([1]), 0);
    assert.equal(await device.command(op, 'locals/bad'), '200');
    if (op === 'LOCAL_RUN_COMMIT') {
      await device.reboot();
      await device.reboot();
    }
    await device.until('locals/bad', 'ERROR');
    assert.equal((await device.progress('locals/bad')).message, 'Object validation went wrong');
    assert.deepEqual(await device.reasons('locals/bad'), ['object-digest']);
    assert.equal(await device.current(), '0');
  }
});

test('TRY_ONCE holds until the next boot, LOCAL_APPLY waits for one', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  await device.store('locals/next', next);
  assert.equal(await device.command('TRY_ONCE', 'locals/next'), '200');
  await device.until('locals/next', 'UPDATED');
  await device.command('REBOOT_DEVICE');
  await device.reboot();
  await device.device.ready();
  assert.equal(await device.current(), '0');

  await device.store('locals/staged', next, { 'bsp/extra.json': { changed: true } });
  assert.equal(await device.command('LOCAL_APPLY', 'locals/staged'), '200');
  await device.device.line(/the update to locals\/staged has ended/);
  assert.equal((await device.progress('locals/staged')).message, 'Update applied');
  assert.equal(await device.current(), '0');
  await device.command('REBOOT_DEVICE');
  await device.reboot();
  await device.until('locals/staged', 'DONE');
  assert.equal(await device.current(), 'locals/staged');
});

test('MAKE_FACTORY copies the running revision, POWEROFF_DEVICE ends with code 3', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  await device.store('locals/next', next);
  await device.command('LOCAL_RUN_COMMIT', 'locals/next');
  await device.reboot();
  await device.until('locals/next', 'DONE');
  await device.device.request('GET', '/containers');
  assert.equal(await device.command('MAKE_FACTORY'), '200');
  await device.reboot();
  await device.until('0', 'DONE');
  await device.device.ready();
  assert.equal(await device.current(), '0');
  const { files } = device.host;
  assert.equal(
    await files.readText('/data/trails/0/.pvr/json'),
    await files.readText('/data/trails/locals/next/.pvr/json'),
  );
  assert.equal(await device.command('POWEROFF_DEVICE'), '200');
  assert.equal(await device.reboot(), 3);
});

test('garbage goes, and nothing that is needed', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  await device.store('locals/a', next);
  await device.store('locals/b', [versioned('web', 3), versioned('db', 1)]);
  await device.command('LOCAL_RUN', 'locals/b');
  await device.until('locals/b', 'UPDATED');
  const { status, body } = await device.device.request('POST', '/storage/gc');
  assert.equal(status, 200);
  assert.match(body, /^\{"reclaimed": [1-9]\d*\}$/);
  const steps: { name: string }[] = JSON.parse((await device.device.request('GET', '/steps')).body);
  assert.deepEqual(
    steps.map(({ name }) => name),
    ['0', 'locals/b'],
  );
  assert.equal(await device.command('RUN_GC'), '200');
  assert.equal(await device.command('LOCAL_RUN', '0'), '200');
  await device.until('0', 'UPDATED', 'DONE');
});

test('commands with a bad payload are refused', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  for (const payload of ['', '../x', 'locals/a/b', 'current'])
    assert.match(await device.command('LOCAL_RUN', payload), /^400 .*Command has bad format/, payload);
});

test('a runtime that is killed at any moment of an update is followed by one that ends it', {
  timeout: 120_000,
}, async () => {
  for (const [op, cleanEnd] of [
    ['LOCAL_RUN', 'UPDATED'],
    ['LOCAL_RUN_COMMIT', 'DONE'],
  ] as const) {
    for (let moment = 0; moment < 40; moment += 1) {
      const device = await UpdateDevice.install(initial);
      const { db } = device.pids();
      await device.store('locals/next', next);
      assert.equal(await device.command(op, 'locals/next'), '200');
      await stepsOn(device, moment);
      device.killRuntime();
      await device.rest('locals/next');
      const where = `${op}, killed at ${moment}`;
      const { status } = await device.progress('locals/next');
      assert.ok([cleanEnd, 'DONE', 'ERROR'].includes(status), `${where}: ${status}`);
      assert.deepEqual(Object.keys(device.pids()).sort(), ['db', 'web'], where);
      if (op === 'LOCAL_RUN' && status === 'UPDATED') assert.equal(device.pids().db, db, where);
      assert.equal(await device.current(), status === 'ERROR' ? '0' : 'locals/next', where);
    }
  }
});

test('power that goes at any moment of an update leads to one revision or the other', {
  timeout: 120_000,
}, async () => {
  for (const op of ['LOCAL_RUN', 'LOCAL_RUN_COMMIT']) {
    for (let moment = 0; moment < 40; moment += 1) {
      const device = await UpdateDevice.install(initial);
      await device.store('locals/next', next);
      assert.equal(await device.command(op, 'locals/next'), '200');
      await stepsOn(device, moment);
      device.cutPower(moment);
      await device.rest('locals/next');
      const { status } = await device.progress('locals/next');
      const where = `${op}, cut at ${moment}: ${status}`;
      assert.ok(['NEW', 'UPDATED', 'DONE', 'ERROR', 'WONTGO'].includes(status), where);
      assert.deepEqual(Object.keys(device.pids()).sort(), ['db', 'web'], where);
      const failed = status === 'ERROR' || status === 'WONTGO' || status === 'NEW';
      assert.equal(await device.current(), failed ? '0' : 'locals/next', where);
    }
  }
});

/** Lets the device get so many changes of its disk further, at most to its end. */
async function stepsOn(device: UpdateDevice, count: number): Promise<void> {
  const { machine } = device.host;
  const end = machine.effects + count * 3;
  let ended = false;
  void device.device.exited.then(() => {
    ended = true;
  });
  const isThere = () => ended || machine.effects >= end || machine.timeline.next() === undefined;
  await device.host.runUntil(isThere);
}
