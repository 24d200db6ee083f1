import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pendingStability, trialGoal } from './goals.ts';
import type { ContainerPlan, Effect } from './protocol.ts';
import { container, group, recovery, revision } from './testing/plans.ts';
import { World } from './testing/world.ts';
import { containerViews, groupViews, revisionView } from './views.ts';

function running(...containers: ContainerPlan[]): World {
  const world = new World();
  world.send({ type: 'revision.run', plan: revision(containers), adopted: [] });
  world.settle();
  return world;
}

const types = (effects: Effect[]) => effects.map(({ type }) => type);
const statuses = (world: World, name: string) =>
  world.history.filter((entry) => entry.name === name).map(({ to }) => to);

test('a container goes through mount and start, and arms the time-out of its group', () => {
  const world = running(container('web', { group: 'root' }));
  assert.deepEqual(statuses(world, 'web'), ['INSTALLED', 'MOUNTED', 'STARTING', 'STARTED']);
  assert.deepEqual(types(world.effects), [
    'status.changed',
    'container.mount',
    'revision.status',
    'status.changed',
    'container.start',
    'status.changed',
    'timer.arm',
    'revision.status',
    'status.changed',
    'timer.cancel',
    'revision.status',
  ]);
  assert.deepEqual(containerViews(world.model), [
    {
      name: 'web',
      group: 'root',
      status: 'STARTED',
      statusGoal: 'STARTED',
      restartPolicy: 'container',
      userStopped: false,
      goal: 'ACHIEVED',
      run: 1,
      pid: 101,
      startedAt: 0,
      completed: false,
      recoveryFailed: false,
    },
  ]);
  assert.equal(revisionView(world.model)?.status, 'READY');
});

test('containers of one group start in parallel, the next group waits as BLOCKED', () => {
  const world = new World();
  const plan = revision([
    container('a', { group: 'root' }),
    container('b', { group: 'root', statusGoal: 'READY' }),
    container('c'),
  ]);
  world.send({ type: 'revision.run', plan, adopted: [] });
  assert.deepEqual(
    world.pending.map(({ effect }) => effect.name),
    ['a', 'b'],
  );
  world.settle();
  assert.equal(world.status('c'), 'BLOCKED');
  assert.deepEqual(
    groupViews(world.model)?.map(({ name, status }) => [name, status]),
    [
      ['root', 'STARTED'],
      ['app', 'BLOCKED'],
    ],
  );
  world.send({ type: 'container.ready', name: 'b' });
  world.settle();
  assert.equal(world.status('c'), 'STARTED');
});

test('a group whose goal timed out only delays the next one at boot', () => {
  const world = running(container('slow', { group: 'root', statusGoal: 'READY' }), container('app'));
  assert.equal(world.status('app'), 'BLOCKED');
  world.pass(29_999);
  assert.equal(world.status('app'), 'BLOCKED');
  world.pass(1);
  assert.equal(world.status('app'), 'STARTED');
  assert.equal(groupViews(world.model)?.[0]?.goal, 'TIMEDOUT');
});

test('goal MOUNTED stops after the volumes and needs no init', () => {
  const world = running(container('data', { group: 'root', statusGoal: 'MOUNTED' }), container('app'));
  assert.deepEqual(statuses(world, 'data'), ['INSTALLED', 'MOUNTED']);
  assert.equal(world.status('app'), 'STARTED');
  world.send({ type: 'device.stop', purpose: 'exit' });
  world.settle();
  assert.equal(world.stopped, 'exit');
  assert.deepEqual(world.left(), []);
});

test('ready counts when it comes before LXC has reported the init, and only for goal READY', () => {
  const world = new World();
  const plan = revision([container('a', { statusGoal: 'READY' }), container('b')]);
  world.send({ type: 'revision.run', plan, adopted: [] });
  world.answer(0);
  world.answer(0);
  world.send({ type: 'container.ready', name: 'a' });
  world.settle();
  world.send({ type: 'container.ready', name: 'b' });
  assert.equal(world.status('a'), 'READY');
  assert.equal(world.status('b'), 'STARTED');
});

test('answers of an older run and timers that are not armed change nothing', () => {
  const world = running(container('app', { autoRecovery: recovery({ retryDelay: 5 }) }));
  world.exit('app');
  world.settle();
  world.pass(5000);
  assert.equal(world.status('app'), 'STARTED');
  const before = world.model;
  for (const event of [
    { type: 'container.exited', name: 'app', run: 1, exit: { kind: 'code', code: 0 } },
    { type: 'container.released', name: 'app', run: 1 },
    { type: 'container.mounted', name: 'app', run: 2 },
    { type: 'timer.fired', timer: 'retry/app/1' },
    { type: 'timer.fired', timer: 'goal/app/1' },
    { type: 'timer.fired', timer: 'of/somebody/else' },
    { type: 'container.exited', name: 'nobody', run: 1, exit: { kind: 'unknown' } },
  ] as const)
    assert.deepEqual(world.send(event), []);
  assert.deepEqual(world.model, before);
});

test('a container that ends and has nothing to recover it fails the revision, once', () => {
  const world = running(container('a'), container('b'));
  world.exit('a', { kind: 'signal', signal: 'SIGSEGV' });
  world.exit('b', { kind: 'code', code: 0 });
  assert.equal(world.failures.length, 1);
  assert.deepEqual(world.failures[0]?.code, 'container-exited');
  assert.match(world.failures[0]?.message ?? '', /^a .*signal SIGSEGV/);
});

test('a mount that fails is released too; the container stays down and the others run on', () => {
  const world = new World();
  world.send({
    type: 'revision.run',
    plan: revision([container('bad', { restartPolicy: 'system' }), container('good')]),
    adopted: [],
  });
  world.answer(0, true);
  world.settle();
  assert.equal(world.status('bad'), 'STOPPED');
  assert.equal(world.status('good'), 'STARTED');
  assert.deepEqual(world.failures, []);
  assert.equal(containerViews(world.model)?.[0]?.lastReason?.code, 'container-not-startable');
  assert.deepEqual(
    world.left().map(({ name }) => name),
    ['good'],
  );
});

test('a start that fails in a trial fails the revision', () => {
  const world = new World();
  world.send({ type: 'revision.trial', active: true });
  world.send({ type: 'revision.run', plan: revision([container('bad')]), adopted: [] });
  world.answer(0);
  world.answer(0, true);
  world.settle();
  assert.equal(world.failures[0]?.code, 'container-not-startable');
  assert.deepEqual(world.left(), []);
});

test('stop: halt, five seconds, kill, release; the container stays stopped', () => {
  const world = running(container('app', { autoRecovery: recovery({}) }));
  world.run('app', 1).stubborn = true;
  world.send({ type: 'request.container', id: 1, name: 'app', action: 'stop' });
  assert.deepEqual(world.answers.get(1), { ok: true });
  world.pass(4999);
  assert.equal(world.status('app'), 'STOPPING');
  assert.equal(containerViews(world.model)?.[0]?.userStopped, false);
  world.pass(1);
  assert.equal(world.status('app'), 'STOPPED');
  assert.equal(containerViews(world.model)?.[0]?.userStopped, true);
  assert.deepEqual(
    world.effects.filter(({ type }) => /halt|kill|release/.test(type)).map(({ type }) => type),
    ['container.halt', 'container.kill', 'container.release'],
  );
  world.pass(100_000);
  assert.equal(world.status('app'), 'STOPPED');
});

test('a container that leaves on the halt signal is not killed', () => {
  const world = running(container('app'));
  world.send({ type: 'request.container', id: 1, name: 'app', action: 'stop' });
  world.settle();
  world.pass(60_000);
  assert.ok(!types(world.effects).includes('container.kill'));
});

test('even a kill that does not help is said, and the device still comes to its end', () => {
  const world = running(container('app'));
  world.send({ type: 'request.container', id: 1, name: 'app', action: 'stop' });
  world.pending.length = 0;
  world.fireNext();
  world.pending.length = 0;
  world.fireNext();
  assert.equal(world.status('app'), 'STOPPING');
  assert.ok(world.reasons.some(({ code }) => code === 'container-unkillable'));
  assert.equal(world.timers.size, 0);
  world.exit('app', { kind: 'signal', signal: 'SIGKILL' });
  world.settle();
  assert.equal(world.status('app'), 'STOPPED');

  const other = running(container('app'));
  other.run('app', 1).stubborn = true;
  other.send({ type: 'device.stop', purpose: 'reboot' });
  other.pending.length = 0;
  other.fireNext();
  other.pending.length = 0;
  other.fireNext();
  other.settle();
  assert.equal(other.stopped, 'reboot');
});

test('stop while starting waits for LXC, halts, and nothing is left', () => {
  for (const answered of [0, 1]) {
    const world = new World();
    world.send({ type: 'revision.run', plan: revision([container('app')]), adopted: [] });
    for (let count = 0; count < answered; count++) world.answer(0);
    world.send({ type: 'request.container', id: 1, name: 'app', action: 'stop' });
    world.settle();
    assert.equal(world.status('app'), 'STOPPED');
    assert.equal(containerViews(world.model)?.[0]?.userStopped, true);
    assert.deepEqual(world.left(), []);
  }
});

test('start, stop and restart during STOPPING change what happens afterwards', () => {
  const world = running(container('app'));
  const ask = (id: number, action: 'start' | 'stop' | 'restart') =>
    world.send({ type: 'request.container', id, name: 'app', action });
  ask(1, 'restart');
  assert.equal(world.status('app'), 'STOPPING');
  ask(2, 'stop');
  world.settle();
  assert.equal(world.status('app'), 'STOPPED');
  ask(3, 'start');
  world.settle();
  assert.equal(world.status('app'), 'STARTED');
  ask(4, 'stop');
  ask(5, 'start');
  world.settle();
  assert.equal(world.status('app'), 'STARTED');
  assert.equal(containerViews(world.model)?.[0]?.run, 3);
  assert.equal(containerViews(world.model)?.[0]?.userStopped, false);
});

test('stopping a RECOVERING container is a real stop', () => {
  const world = running(container('app', { autoRecovery: recovery({ retryDelay: 5 }) }));
  world.exit('app');
  world.settle();
  assert.equal(world.status('app'), 'RECOVERING');
  world.send({ type: 'request.container', id: 1, name: 'app', action: 'stop' });
  world.pass(60_000);
  assert.equal(world.status('app'), 'STOPPED');
  world.send({ type: 'request.container', id: 2, name: 'app', action: 'start' });
  world.settle();
  assert.equal(world.status('app'), 'STARTED');
  assert.equal(containerViews(world.model)?.[0]?.autoRecovery?.currentRetries, 0);
});

test('requests that cannot be: unknown container, policy system, nothing loaded, not startable', () => {
  const world = new World();
  const ask = (id: number, name: string, action: 'start' | 'restart') => {
    world.send({ type: 'request.container', id, name, action });
    const answer = world.answers.get(id);
    return answer?.ok === false ? answer.code : 'ok';
  };
  assert.equal(ask(1, 'x', 'start'), 'state-not-loaded');
  const plan = revision([container('sys', { restartPolicy: 'system' }), container('app')]);
  world.send({ type: 'revision.run', plan, adopted: [] });
  assert.equal(ask(2, 'x', 'start'), 'container-unknown');
  assert.equal(ask(3, 'sys', 'start'), 'restart-policy-system');
  assert.equal(ask(4, 'app', 'start'), 'not-startable');
  assert.equal(ask(5, 'app', 'restart'), 'not-restartable');
});

test('adopted containers keep their pid and get no start; a pending stop goes on', () => {
  const world = new World();
  const plan = revision([
    container('a', { group: 'root', statusGoal: 'READY' }),
    container('b'),
    container('c', { statusGoal: 'READY' }),
    container('d'),
    container('e'),
  ]);
  world.now = 1000;
  world.send({
    type: 'revision.run',
    plan,
    adopted: [
      { name: 'a', pid: 41, ready: true, startedAt: 10 },
      { name: 'c', pid: 43, ready: false },
      { name: 'd', pid: 44, ready: false, userStopped: true },
      { name: 'e', pid: 0, ready: false, userStopped: true },
    ].map((entry) => {
      if (entry.pid > 0)
        world.runs.push({ name: entry.name, run: 1, state: 'running', halted: false, stubborn: false });
      return entry;
    }),
  });
  world.settle();
  assert.deepEqual(
    containerViews(world.model)?.map(({ name, status, pid, startedAt }) => [name, status, pid, startedAt]),
    [
      ['a', 'READY', 41, 10],
      ['b', 'STARTED', 101, 1000],
      ['c', 'STARTED', 43, 1000],
      ['d', 'STOPPED', undefined, undefined],
      ['e', 'STOPPED', undefined, undefined],
    ],
  );
  assert.deepEqual(world.effects.filter(({ type }) => type === 'container.start').length, 1);
  assert.deepEqual([...world.timers.keys()], ['goal/c/1']);
});

test('the device stops group by group from the last to the first, also in the middle of starting', () => {
  const world = running(container('a', { group: 'root' }), container('b'), container('c'));
  world.send({ type: 'device.stop', purpose: 'poweroff' });
  assert.deepEqual(
    world.pending.map(({ effect }) => [effect.type, effect.name]),
    [
      ['container.halt', 'b'],
      ['container.halt', 'c'],
    ],
  );
  world.settle();
  const released = world.effects.filter(({ type }) => type === 'container.release');
  assert.equal(released.length, 3);
  assert.equal(world.stopped, 'poweroff');

  const empty = new World();
  empty.send({ type: 'device.stop', purpose: 'exit' });
  assert.equal(empty.stopped, 'exit');
});

test('the group gives its recovery as a whole to a container whose own policy is no', () => {
  const groups = [group('app', { autoRecovery: recovery({ policy: 'on-failure', maxRetries: 5, stableTimeout: 30 }) })];
  const world = new World();
  world.send({ type: 'revision.run', plan: revision([container('app')], groups), adopted: [] });
  world.settle();
  assert.deepEqual(containerViews(world.model)?.[0]?.autoRecovery, {
    policy: 'on-failure',
    maxRetries: 5,
    currentRetries: 0,
    stableTimeout: 30,
    isStable: false,
    backoffPolicy: { kind: 'reboot' },
  });
  assert.deepEqual(pendingStability(world.model), ['app']);
  world.pass(30_000);
  assert.equal(containerViews(world.model)?.[0]?.autoRecovery?.isStable, true);
  assert.deepEqual(pendingStability(world.model), []);
  world.exit('app');
  assert.deepEqual(pendingStability(world.model), ['app']);
});

test('a crash-looping container is never taken for success in a trial', () => {
  const world = running(container('app', { autoRecovery: recovery({ retryDelay: 5 }) }));
  assert.equal(trialGoal(world.model), 'ACHIEVED');
  world.exit('app');
  world.settle();
  assert.equal(trialGoal(world.model), 'UNACHIEVED');
  assert.equal(groupViews(world.model)?.[1]?.goal, 'NONE');
});

test('fifty crashes leave nothing mounted but the present run', () => {
  const world = running(container('app', { autoRecovery: recovery({}) }));
  for (let crash = 0; crash < 50; crash++) {
    world.exit('app');
    world.pass(1000);
  }
  assert.equal(world.status('app'), 'STARTED');
  assert.deepEqual(
    world.left().map(({ run }) => run),
    [51],
  );
});
