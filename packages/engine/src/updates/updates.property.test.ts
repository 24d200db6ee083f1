/** Any interleaving of answers, timers, requests, failures, power cuts and restarts of the runtime: what must hold in the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { behaviourOf, behaviours, DeviceWorld } from '../testing/device-world.ts';
import { isUpdating, stagedOf } from './model.ts';
import { isFailed, isFinal } from './progress.ts';
import { updateKinds } from './protocol.ts';

type Action =
  | { do: 'work'; index: number }
  | { do: 'timer' }
  | { do: 'ask'; kind: (typeof updateKinds)[number]; revision: string }
  | { do: 'cut'; inHandDone: boolean }
  | { do: 'restart' }
  | { do: 'refuse' }
  | { do: 'crash' }
  | { do: 'forgetful' }
  | { do: 'reboot' };

// A revision that panics at boot is a good one in place, which the end of a story could not tell apart.
const names = ['reboot', 'place']
  .flatMap((mode) => [
    ...Object.keys(behaviours).map((behaviour) => `locals/${mode}-${behaviour}`),
    `locals/${mode}-good-2`,
  ])
  .filter((name) => name !== 'locals/place-panics');

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ do: fc.constant('work' as const), index: fc.nat(5) }) },
  { weight: 4, arbitrary: fc.constant({ do: 'timer' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      kind: fc.constantFrom(...updateKinds.filter((kind) => kind !== 'remote' && kind !== 'make-factory')),
      revision: fc.constantFrom('0', ...names),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), inHandDone: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'refuse' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'forgetful' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reboot' as const }) },
);

function play(world: DeviceWorld, action: Action): void {
  switch (action.do) {
    case 'work':
      if (world.jobs.length > 0) world.work(action.index % world.jobs.length);
      break;
    case 'timer':
      world.fireNext();
      break;
    case 'ask':
      world.ask(action.kind, action.revision);
      break;
    case 'cut':
      world.cutPower(action.inHandDone);
      break;
    case 'restart':
      world.restartRuntime();
      break;
    case 'refuse': {
      const index = world.jobs.findIndex(({ step }) => step !== undefined && !step.type.startsWith('boot.clear'));
      if (index < 0) break;
      world.refusals += 1;
      world.work(index, 'install-failed');
      break;
    }
    case 'crash':
      if (world.live !== undefined) {
        const { run } = world.live;
        world.live = undefined;
        world.send({ type: 'container.exited', name: 'c', run, exit: { kind: 'signal', signal: 'SIGKILL' } });
      }
      break;
    case 'forgetful':
      world.forgetful = true;
      break;
    case 'reboot':
      world.send({
        type: 'command.requested',
        id: world.answers.size + 1,
        op: 'REBOOT_DEVICE',
        payload: '',
        context: { remote: false, remoteAllowed: true, claimed: false, debugShell: true },
      });
  }
}

/** Nothing is in hand, a good revision runs, and what is stored says so. */
function assertRest(world: DeviceWorld): void {
  assert.ok(!isUpdating(world.model.updates), 'no update is stuck');
  assert.equal(world.model.updates.restart, undefined, 'no reboot is stuck');
  assert.deepEqual(world.model.updates.queue, [], 'no step is stuck');
  assert.equal(behaviourOf(world.running), 'good', `${world.running} runs and is good`);
  assert.equal(world.live?.revision, world.running, 'its container runs');
  assert.equal(behaviourOf(world.disk.committed), 'good', 'the rollback point is good');
  assert.equal(world.model.updates.environment?.committed, world.disk.committed);
  assert.equal(world.model.updates.environment?.tried, world.disk.tried);
}

/** Every revision that was asked for has come to an end that can be read. */
function assertStored(world: DeviceWorld): void {
  const staged = stagedOf(world.model.updates)?.revision;
  for (const name of world.disk.progress.keys()) {
    const progress = world.progress(name);
    assert.ok(isFinal(progress) || progress?.status === 'NEW' || name === staged, `${name}: ${world.status(name)}`);
  }
  if (world.running !== world.disk.committed)
    assert.ok(['UPDATED', 'DONE'].includes(world.progress(world.running)?.status ?? ''), 'what runs was tested');
}

const run = (actions: Action[]) => {
  const world = new DeviceWorld();
  for (const action of actions) play(world, action);
  // What was refused by chance is not refused any more.
  world.rest();
  return world;
};

test('property: after any story the device comes to rest with a good revision running', () => {
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 80, size: 'max' }), (actions) => {
      const world = run(actions);
      assertRest(world);
      world.cutPower(true);
      world.rest();
      assertRest(world);
      // A disk that refuses a write and then loses power has no memory of what it refused.
      if (world.refusals === 0) assertStored(world);
    }),
    { numRuns: 300 },
  );
});

test('power cut at every step of every kind of update, once and twice in a row, with the step done or not', () => {
  let cuts = 0;
  for (const kind of ['local-run', 'local-run-commit', 'try-once', 'local-apply'] as const)
    for (const name of names)
      for (const done of [false, true])
        for (let at = 0, ended = false; !ended; at++) {
          const world = new DeviceWorld();
          world.rest();
          world.ask(kind, name);
          ended = !advance(world, at);
          if (ended) break;
          cuts += 1;
          world.cutPower(done);
          if (at % 2 === 1 && advance(world, 1)) world.cutPower(!done);
          world.rest();
          assertRest(world);
          assertStored(world);
          if (stagedOf(world.model.updates) !== undefined) {
            world.cutPower(true);
            world.rest();
          }
          if (behaviourOf(name) !== 'good')
            assert.ok(
              isFailed(world.progress(name)) || world.status(name) === 'none',
              `${name}: ${world.status(name)}`,
            );
        }
  assert.ok(cuts > 1000, `${cuts} cuts`);
});

/** Works and fires timers `count` times; false when the device came to rest before. */
function advance(world: DeviceWorld, count: number): boolean {
  for (let done = 0; done < count; done++)
    if (world.jobs.length > 0) world.work(0);
    else if (!world.fireNext()) return false;
  return true;
}
