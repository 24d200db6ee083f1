import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { compileDriver } from './compiled.ts';

/** As native/init-plan.h numbers them. */
const phase = { pause: 0, running: 1, ending: 2, killed: 3, down: 4 };
const purpose = { stay: 0, reboot: 1, poweroff: 2 };
const action = { start: 1, kill: 2, ask: 4, goDown: 8, sayHung: 16, sayHopeless: 32 };

interface Answer {
  actions: number;
  phase: number;
  purpose: number;
  next: number;
}

const folder = mkdtempSync(join(tmpdir(), 'init-plan-'));
let driver = '';
before(() => {
  driver = compileDriver(folder, 'init-plan-driver.c', ['init-plan.c']);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Asks the plan; one line a call. */
function play(calls: readonly string[]): Answer[] {
  const { status, stdout, stderr } = spawnSync(driver, { input: `${calls.join('\n')}\n`, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [actions = 0, at = 0, to = 0, next = 0] = line.split(' ').map(Number);
      return { actions, phase: at, purpose: to, next };
    });
}

test('a supervisor that dies is started again after a pause that grows', () => {
  const answers = play([
    'begin 0',
    'ended 1000 1',
    'tick 1199',
    'tick 1200',
    'ended 2000 -1',
    'tick 2799',
    'tick 2800',
  ]);
  assert.deepEqual(
    answers.map(({ actions }) => actions),
    [action.start, 0, 0, action.start, 0, 0, action.start],
  );
});

test('one that keeps dying restarts the machine; deaths of long ago do not count', () => {
  const dying = (times: readonly number[]) => times.flatMap((time) => [`ended ${time} 1`, `tick ${time + 5000}`]);
  const quick = play(['begin 0', ...dying([0, 10_000, 20_000, 30_000, 40_000])]);
  assert.deepEqual(quick.at(-2), {
    actions: action.goDown | action.sayHopeless,
    phase: phase.down,
    purpose: purpose.reboot,
    next: -1,
  });
  const slow = play(['begin 0', ...dying(Array.from({ length: 20 }, (_, index) => index * 100_000))]);
  assert.equal(slow.at(-1)?.phase, phase.running);
});

test('silence is forgiven as long as its patience says, and not at all counted when it is 0', () => {
  const answers = play(['begin 0', 'patience 0 1000', 'alive 900', 'tick 1899', 'tick 1900', 'ended 1950 -1']);
  assert.deepEqual(
    answers.map(({ actions }) => actions),
    [action.start, 0, 0, 0, action.kill | action.sayHung, 0],
  );
  assert.equal(play(['begin 0', 'patience 0 0', 'tick 9000000']).at(-1)?.actions, 0);
});

test('its exit code says what becomes of the machine', () => {
  assert.deepEqual(play(['begin 0', 'ended 5 0'])[1], {
    actions: action.goDown,
    phase: phase.down,
    purpose: purpose.reboot,
    next: -1,
  });
  assert.deepEqual(play(['begin 0', 'ended 5 3'])[1], {
    actions: action.goDown,
    phase: phase.down,
    purpose: purpose.poweroff,
    next: -1,
  });
});

test('asked to go down it asks the supervisor, and does not wait for it for ever', () => {
  const [, asked, again, late, ended] = play(['begin 0', 'asked 10 2', 'asked 20 1', 'tick 180010', 'ended 180020 -1']);
  assert.equal(asked?.actions, action.ask);
  assert.deepEqual([again?.actions, again?.purpose], [0, purpose.poweroff]);
  assert.equal(late?.actions, action.kill);
  assert.deepEqual([ended?.actions, ended?.purpose], [action.goDown, purpose.poweroff]);
  assert.equal(play(['begin 0', 'ended 0 1', 'asked 10 1']).at(-1)?.actions, action.goDown);
});

test('whatever happens: one start at a time, every wish to go down is fulfilled, nothing comes after the end', () => {
  const call = fc.oneof(
    fc.constant('alive'),
    fc.constant('tick'),
    fc.integer({ min: 0, max: 90_000 }).map((ms) => `patience:${ms}`),
    fc.constantFrom(-1, 0, 1, 3, 70, 127).map((code) => `ended:${code}`),
    fc.constantFrom(1, 2).map((wish) => `asked:${wish}`),
  );
  const story = fc.array(fc.tuple(call, fc.integer({ min: 0, max: 200_000 })), { maxLength: 40 });
  // Many stories a run, since each run starts a process.
  fc.assert(
    fc.property(fc.array(story, { minLength: 1, maxLength: 100 }), (stories) => {
      const calls = stories.map((steps) => ['begin 0', ...inTime(steps)]);
      const answers = play(calls.flat());
      for (const told of calls) checkStory(told, answers.splice(0, told.length));
    }),
    { numRuns: 15 },
  );
});

function inTime(steps: readonly [string, number][]): string[] {
  let now = 0;
  return steps.map(([step, pause]) => {
    now += pause;
    const [name, value = '0'] = step.split(':');
    return `${name} ${now} ${value}`;
  });
}

function checkStory(calls: readonly string[], answers: readonly Answer[]): void {
  let runs = false;
  let down = false;
  for (const [index, { actions, phase: at, next }] of answers.entries()) {
    const ended = calls[index]?.startsWith('ended') === true;
    // The kernel tells of an end only when there was something to end.
    if (ended && !runs) return;
    if (down) assert.equal(actions, 0);
    if (ended) runs = false;
    if (actions & action.start) {
      assert.equal(runs, false);
      runs = true;
    }
    if (actions & (action.kill | action.ask)) assert.ok(runs);
    if (actions & action.goDown) {
      assert.equal(down, false);
      down = true;
    }
    assert.equal(at === phase.down, down);
    if (at === phase.pause || at === phase.ending) assert.ok(next >= 0);
  }
}
