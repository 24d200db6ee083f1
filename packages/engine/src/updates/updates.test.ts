import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Behaviour, behaviours, DeviceWorld } from '../testing/device-world.ts';
import { failureTable } from './failures.ts';
import { isUpdating } from './model.ts';
import { progressMessages } from './progress.ts';

function ready(): DeviceWorld {
  const world = new DeviceWorld();
  world.rest();
  return world;
}

/** What was stored of a revision, in order. */
const story = (world: DeviceWorld, name: string) =>
  world.log.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));

test('the first boot of the factory revision is DONE at once', () => {
  const world = ready();
  assert.equal(world.status('0'), 'DONE Factory revision');
  assert.ok(world.disk.done.has('0'));
});

test('an update by reboot is tested and becomes the rollback point', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.rest();
  assert.deepEqual(story(world, 'locals/reboot-good'), [
    'INPROGRESS Rebooting',
    'INPROGRESS Trying new revision',
    'TESTING Awaiting to set rollback point if update is stable',
    'DONE Update finished, revision set as rollback point',
  ]);
  assert.equal(world.disk.committed, 'locals/reboot-good');
  assert.equal(world.disk.tried, undefined);
  assert.equal(world.disk.journal, undefined);
  assert.equal(world.bootCount, 2);
});

test('an update in place is UPDATED, and the next reboot tests it again and makes it the rollback point', () => {
  const world = ready();
  world.ask('local-run', 'locals/place-good');
  world.rest();
  assert.deepEqual(story(world, 'locals/place-good'), [
    'INPROGRESS Transitioning to new revision without rebooting',
    'INPROGRESS Trying new revision',
    'TESTING Awaiting to see if update is stable',
    'UPDATED Update finished, revision not set as rollback point',
  ]);
  assert.equal(world.bootCount, 1);
  assert.equal(world.disk.tried, 'locals/place-good');
  world.cutPower(true);
  world.rest();
  assert.equal(world.status('locals/place-good'), 'DONE Update finished, revision set as rollback point');
  assert.equal(world.disk.committed, 'locals/place-good');
});

test('the commit waits for the commit delay and for stability', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.settle();
  assert.equal(world.progress('locals/reboot-good')?.status, 'TESTING');
  const names = () => [...world.timers.keys()].map((timer) => timer.replace(/\/\d+$/, ''));
  assert.deepEqual(names().sort(), ['stable/c', 'update/commit', 'update/limit']);
  world.fireNext();
  world.settle();
  assert.equal(world.progress('locals/reboot-good')?.status, 'TESTING');
  world.fireNext();
  world.settle();
  assert.equal(world.progress('locals/reboot-good')?.status, 'DONE');
  assert.deepEqual(names(), []);
});

for (const mode of ['reboot', 'place'])
  for (const [behaviour, code] of Object.entries(behaviours) as [Behaviour, keyof typeof failureTable | undefined][]) {
    if (code === undefined || (mode === 'place' && behaviour === 'panics')) continue;
    test(`a revision that is ${behaviour} (${mode}) leads back, with the right words, once`, () => {
      const world = ready();
      const name = `locals/${mode}-${behaviour}`;
      world.ask('local-run', name);
      world.rest();
      const words = progressMessages[failureTable[code].message];
      const early = behaviour === 'unsigned' || behaviour === 'missing';
      assert.equal(world.status(name), `${early ? 'WONTGO' : 'ERROR'} ${words}`);
      assert.equal(world.running, '0');
      const boots = early || (mode === 'place' && behaviour === 'corrupt') ? 1 : mode === 'place' ? 2 : 3;
      assert.equal(world.bootCount, boots, 'no boot more than it takes');
      assert.equal(world.disk.tried, undefined);
      assert.equal(world.disk.journal, undefined);
      assert.ok(!isUpdating(world.model.updates));
      world.cutPower(true);
      world.rest();
      assert.equal(world.status(name), `${early ? 'WONTGO' : 'ERROR'} ${words}`);
      assert.equal(story(world, name).filter((line) => /ERROR|WONTGO/.test(line)).length, 1);
    });
  }

test('the try mark is still there when the failing revision reboots, and goes after ERROR is stored', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-exits');
  world.settle();
  const first = world.log.indexOf('boot 2 locals/reboot-exits');
  const second = world.log.indexOf('boot 3 0');
  assert.ok(first > 0 && second > first);
  const error = world.log.findIndex((line) => line.startsWith('locals/reboot-exits ERROR'));
  assert.ok(error > first && error < second, 'ERROR is stored in the boot that failed');

  const other = ready();
  other.ask('local-run', 'locals/reboot-exits');
  other.workUntil(() => other.progress('locals/reboot-exits')?.status === 'ERROR');
  assert.equal(other.disk.tried, 'locals/reboot-exits');
  other.cutPower(false);
  assert.equal(other.running, '0');
  other.rest();
  assert.equal(other.disk.tried, undefined);
});

test('power lost in the testing window, and again before the mark is cleared, ends in ERROR Unexpected rollback', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.settle();
  assert.equal(world.progress('locals/reboot-good')?.status, 'TESTING');
  world.cutPower(false);
  assert.equal(world.running, '0');
  world.work(0);
  world.cutPower(false);
  world.rest();
  assert.equal(world.status('locals/reboot-good'), 'ERROR Unexpected rollback');
  assert.equal(world.disk.tried, undefined);
  assert.equal(world.running, '0');
});

test('a boot loader that cannot remember what it tried does not lead to endless boots', () => {
  const world = ready();
  world.forgetful = true;
  world.ask('local-run', 'locals/reboot-exits');
  world.rest();
  assert.equal(world.status('locals/reboot-exits'), 'ERROR A container could not be started');
  assert.equal(world.running, '0');
  assert.ok(world.bootCount <= 4);
});

test('power lost in a trial is not followed by a second trial, even when the boot loader would do it', () => {
  const world = ready();
  world.forgetful = true;
  world.ask('local-run', 'locals/reboot-silent');
  world.workUntil(() => world.live?.revision === 'locals/reboot-silent');
  world.cutPower(false);
  world.rest();
  assert.deepEqual([...(world.boots.get('locals/reboot-silent') ?? [])], [2]);
  assert.equal(world.status('locals/reboot-silent'), 'ERROR Unexpected rollback');
  assert.equal(world.running, '0');
});

test('an update that is asked for while the running revision is still being loaded waits for it', () => {
  const world = new DeviceWorld();
  world.workUntil(() => world.jobs[0]?.what === 'run 0');
  assert.deepEqual(
    world.jobs.map(({ what }) => what),
    ['run 0'],
  );
  world.ask('local-run', 'locals/place-good');
  for (let count = 0; count < 3; count++) world.work(1);
  assert.deepEqual(
    world.jobs.map(({ what }) => what),
    ['run 0'],
  );
  world.rest();
  assert.equal(world.progress('locals/place-good')?.status, 'UPDATED');
});

test('the old container is not tested in the place of the new one', () => {
  const world = ready();
  world.ask('local-run', 'locals/place-good');
  world.workTo('mount 2');
  const other = () => world.jobs.findIndex(({ what }) => what !== 'mount 2');
  for (let count = 0; other() >= 0; count++) {
    assert.ok(count < 10);
    world.work(other());
  }
  assert.equal(world.status('locals/place-good'), 'INPROGRESS Trying new revision');
  world.rest();
  assert.equal(world.progress('locals/place-good')?.status, 'UPDATED');
});

test('when the device is asked to stop, an installation orders no further step', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.workTo('revision.verify');
  world.send({ type: 'device.stop', purpose: 'poweroff' });
  world.rest();
  assert.ok(world.poweredOff);
  assert.ok(world.jobs.every(({ step }) => step === undefined));
  world.poweredOff = false;
  world.cutPower(false);
  world.rest();
  assert.equal(world.progress('locals/reboot-good')?.status, 'DONE');
});

test('an error stays what it was when a newer revision comes, and running the failed one again is a new attempt', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-exits');
  world.rest();
  world.ask('local-run', 'locals/reboot-good');
  world.rest();
  assert.equal(world.status('locals/reboot-exits'), 'ERROR A container could not be started');
  world.ask('local-run', 'locals/reboot-exits');
  world.work(0);
  assert.equal(world.status('locals/reboot-exits'), 'NEW Update ready to be run');
  world.rest();
  assert.equal(world.status('locals/reboot-exits'), 'ERROR A container could not be started');
  assert.equal(world.running, 'locals/reboot-good');
});

test('an installation that is interrupted goes on, counts its retries, and ends after the last', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  for (let cut = 0; cut < 2; cut++) {
    world.workTo('revision.expand');
    world.cutPower(false);
  }
  world.rest();
  assert.equal(world.progress('locals/reboot-good')?.status, 'DONE');
  assert.equal(world.progress('locals/reboot-good')?.retries, 2);

  const other = ready();
  other.ask('local-run', 'locals/reboot-good');
  for (let cut = 0; cut < 3; cut++) {
    other.workTo('revision.expand');
    other.cutPower(false);
  }
  other.rest();
  assert.equal(other.status('locals/reboot-good'), 'WONTGO Max update processing retries reached');
});

test('a step that fails before anything changed is undone without a reboot', () => {
  for (const [what, status] of [
    ['revision.expand', 'ERROR'],
    ['boot.install', 'ERROR'],
    ['boot.set-try', 'ERROR'],
  ] as const) {
    const world = ready();
    world.ask('local-run', 'locals/reboot-good');
    world.work(world.workTo(what), 'install-failed');
    world.rest();
    assert.equal(world.progress('locals/reboot-good')?.status, status);
    assert.equal(world.bootCount, 1);
    assert.equal(world.disk.tried, undefined);
    assert.equal(world.disk.journal, undefined);
  }
});

test('a try mark that was set is taken back when the transition in place cannot begin', () => {
  const world = ready();
  world.ask('local-run', 'locals/place-good');
  world.workTo('boot.set-try');
  world.work(world.workTo('journal.write'), 'journal-unwritable');
  world.rest();
  assert.equal(world.status('locals/place-good'), 'WONTGO Internal error');
  assert.equal(world.disk.tried, undefined);
  assert.equal(world.running, '0');
  assert.equal(world.bootCount, 1);
});

test('a container that crashes during the test holds the commit until it is stable again', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.settle();
  world.now += 4000;
  world.send({ type: 'container.exited', name: 'c', run: world.live?.run ?? 0, exit: { kind: 'code', code: 1 } });
  world.live = undefined;
  world.rest();
  assert.deepEqual(story(world, 'locals/reboot-good').slice(2), [
    'TESTING Awaiting to set rollback point if update is stable',
    'TESTING Waiting for all containers to become stable',
    'DONE Update finished, revision set as rollback point',
  ]);
});

test('a full disk stops the update before it begins', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.work(0, 'journal-unwritable');
  world.rest();
  assert.equal(world.status('locals/reboot-good'), 'WONTGO Internal error');
});

test('a commit that the boot environment refuses is an ERROR and leads back', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.work(world.workTo('boot.commit'), 'boot-environment-failed');
  world.rest();
  assert.equal(world.status('locals/reboot-good'), 'ERROR Internal error');
  assert.equal(world.running, '0');
});

test('power lost between the boot environment and DONE completes the commit at the next start', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.workUntil(() => world.disk.committed !== '0');
  assert.equal(world.progress('locals/reboot-good')?.status, 'TESTING');
  world.cutPower(false);
  world.rest();
  assert.equal(world.status('locals/reboot-good'), 'DONE Update finished, revision set as rollback point');
  assert.equal(world.running, 'locals/reboot-good');
});

test('a mere restart of the runtime in the trial is no reboot: the trial goes on', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.settle();
  world.restartRuntime();
  assert.equal(world.running, 'locals/reboot-good');
  world.rest();
  assert.equal(world.progress('locals/reboot-good')?.status, 'DONE');

  const place = ready();
  place.ask('local-run', 'locals/place-good');
  place.settle();
  place.restartRuntime();
  assert.equal(place.running, 'locals/place-good');
  place.rest();
  assert.equal(place.progress('locals/place-good')?.status, 'UPDATED');
  place.restartRuntime();
  assert.equal(place.running, 'locals/place-good');
});

test('a revision of the Hub waits for it, and fails with its words; a local one and an unclaimed device do not', () => {
  const trial = (name: string, mode: 'offline' | 'unclaimed' | 'online') => {
    const world = ready();
    world.ask('remote', name);
    world.workUntil(() => world.running === name);
    world.send({ type: 'hub.state', mode });
    return world;
  };
  const lost = trial('5', 'offline');
  lost.rest();
  assert.equal(lost.status('5'), 'ERROR Hub not reachable');
  const late = trial('5', 'offline');
  late.settle();
  assert.equal(late.progress('5')?.status, 'INPROGRESS');
  late.send({ type: 'hub.state', mode: 'online' });
  late.settle();
  assert.equal(late.progress('5')?.status, 'TESTING');
  late.send({ type: 'hub.state', mode: 'offline' });
  late.rest();
  assert.equal(late.status('5'), 'ERROR Hub communication not stable');
  const borne = trial('5', 'online');
  borne.settle();
  borne.send({ type: 'hub.state', mode: 'offline' });
  for (let timer = 0; timer < 2 && borne.progress('5')?.status === 'TESTING'; timer += 1) {
    borne.fireNext();
    borne.settle();
    if (timer === 0) assert.equal(borne.progress('5')?.status, 'TESTING', 'no commit while nobody knows of the Hub');
    borne.send({ type: 'hub.state', mode: 'online' });
    borne.settle();
  }
  assert.equal(borne.progress('5')?.status, 'DONE');
  const unclaimed = trial('5', 'unclaimed');
  unclaimed.rest();
  assert.equal(unclaimed.progress('5')?.status, 'DONE');
  const local = trial('locals/reboot-good', 'offline');
  local.rest();
  assert.equal(local.progress('locals/reboot-good')?.status, 'DONE');
});

test('a revision of the Hub that has ended is not installed again', () => {
  const world = ready();
  world.disk.progress.set(
    '5',
    '{"status":"ERROR","status-msg":"Hub not reachable","progress":100,"retries":1,"total_resumes":3}',
  );
  world.ask('remote', '5');
  world.rest();
  assert.equal(world.status('5'), 'ERROR Hub not reachable');
  assert.equal(world.bootCount, 1);
});

test('in steady state a revision that cannot hold reboots, and one that cannot be run is handed to the device', () => {
  const world = ready();
  world.send({ type: 'container.exited', name: 'c', run: world.live?.run ?? 0, exit: { kind: 'code', code: 1 } });
  world.settle();
  world.fireNext();
  world.settle();
  assert.equal(world.bootCount, 1);
  world.send({ type: 'container.exited', name: 'c', run: world.live?.run ?? 0, exit: { kind: 'code', code: 1 } });
  world.settle();
  assert.equal(world.bootCount, 2);
  world.send({ type: 'update.run-failed', failure: { code: 'state-not-found', reasons: [] } });
  assert.equal(world.deviceFailures.length, 1);
});
