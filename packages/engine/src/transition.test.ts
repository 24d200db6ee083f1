import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, group, recovery, revision } from './testing/plans.ts';
import { World } from './testing/world.ts';
import { containerViews } from './views.ts';

const groups = [group('root'), group('app')];
const pids = (world: World) => containerViews(world.model)?.map(({ name, status, pid }) => [name, status, pid]);

function running(...names: string[]): World {
  const world = new World();
  const plan = revision(
    names.map((name) => container(name)),
    groups,
  );
  world.send({ type: 'revision.run', plan, adopted: [] });
  world.settle();
  return world;
}

test('a changed container is mounted aside first, then stopped, released and started; the others keep their pid', () => {
  const world = running('a', 'b');
  const next = revision([container('a'), container('b', { statusGoal: 'READY' })], groups, '2');
  world.send({ type: 'revision.transition', plan: next, restart: ['b'], remove: [], start: [] });
  const from = world.effects.length;
  world.settle();
  assert.deepEqual(
    world.effects
      .slice(from - 1)
      .filter(({ type }) => type.startsWith('container.'))
      .map((effect) => `${effect.type} ${'run' in effect ? effect.run : ''}`),
    ['container.mount 2', 'container.halt 1', 'container.release 1', 'container.start 2'],
  );
  assert.deepEqual(pids(world), [
    ['a', 'STARTED', 101],
    ['b', 'STARTED', 103],
  ]);
  assert.equal(containerViews(world.model)?.[1]?.statusGoal, 'READY');
});

test('a second update without reboot does not restart what the first one changed', () => {
  const world = running('a', 'b');
  const transition = (restart: string[]) => {
    world.send({
      type: 'revision.transition',
      plan: revision([container('a'), container('b')], groups),
      restart,
      remove: [],
      start: [],
    });
    world.settle();
  };
  transition(['a']);
  const after = pids(world)?.[0];
  transition(['b']);
  assert.deepEqual(pids(world)?.[0], after);
});

test('one container removed and another changed in the same update', () => {
  const world = running('a', 'b');
  const plan = revision([container('b'), container('c')], groups, '2');
  world.send({ type: 'revision.transition', plan, restart: ['b'], remove: ['a'], start: ['c'] });
  world.settle();
  assert.deepEqual(
    pids(world)?.map(([name, status]) => [name, status]),
    [
      ['b', 'STARTED'],
      ['c', 'STARTED'],
    ],
  );
  assert.ok(world.left().every(({ name }) => name !== 'a'));
});

test('a new restart policy and recovery are in force after the update', () => {
  const world = running('a');
  const changed = container('a', { restartPolicy: 'system', autoRecovery: recovery({ maxRetries: 3 }) });
  world.send({
    type: 'revision.transition',
    plan: revision([changed], groups, '2'),
    restart: ['a'],
    remove: [],
    start: [],
  });
  world.settle();
  const [view] = containerViews(world.model) ?? [];
  assert.equal(view?.restartPolicy, 'system');
  assert.equal(view?.autoRecovery?.maxRetries, 3);
});

test('when the new volumes cannot be mounted, the old container has never stopped and the revision fails', () => {
  const world = running('a');
  world.send({
    type: 'revision.transition',
    plan: revision([container('a')], groups, '2'),
    restart: ['a'],
    remove: [],
    start: [],
  });
  world.answer(0, true);
  world.settle();
  assert.equal(world.failures.length, 1);
  assert.deepEqual(pids(world), [['a', 'STARTED', 101]]);
  assert.deepEqual(
    world.left().map(({ run }) => run),
    [1],
  );
});

test('an old container that ends while the new volumes are being mounted makes room for the new one without a detour', () => {
  const world = running('a');
  const plan = revision([container('a')], groups, '2');
  world.send({ type: 'revision.transition', plan, restart: ['a'], remove: [], start: [] });
  world.exit('a');
  const from = world.history.length;
  world.answer(0);
  world.settle();
  assert.deepEqual(
    world.history.slice(from).map(({ to }) => to),
    ['MOUNTED', 'STARTING', 'STARTED'],
  );
  assert.deepEqual(world.failures, []);
});

test('a container that a person stopped stays stopped over an update that does not touch it', () => {
  const world = running('a', 'b');
  world.send({ type: 'request.container', id: 1, name: 'a', action: 'stop' });
  world.settle();
  world.send({
    type: 'revision.transition',
    plan: revision([container('a'), container('b')], groups, '2'),
    restart: ['b'],
    remove: [],
    start: [],
  });
  world.settle();
  assert.equal(world.status('a'), 'STOPPED');
});
