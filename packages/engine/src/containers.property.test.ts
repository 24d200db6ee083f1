/** Model-based properties: any interleaving of answers, crashes, requests, timers and updates on a simulated machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createModel } from './model.ts';
import type { ContainerPlan, Effect, ExitStatus, RevisionPlan } from './protocol.ts';
import { nextStatus, type StatusTrigger, statusTriggers } from './status.ts';
import { step } from './step.ts';
import { container, group, noRecovery, recovery, revision } from './testing/plans.ts';
import { World } from './testing/world.ts';

const groups = [
  group('first', { timeout: 5 }),
  group('second', { timeout: 10 }),
  group('third', { autoRecovery: recovery({ policy: 'on-failure', maxRetries: 2, retryDelay: 1, stableTimeout: 3 }) }),
];

const anyRule = fc.oneof(
  fc.constant(noRecovery),
  fc.record(
    {
      policy: fc.constantFrom('always' as const, 'on-failure' as const, 'unless-stopped' as const),
      maxRetries: fc.nat(3),
      retryDelay: fc.nat(2),
      backoffFactor: fc.constantFrom(0, 2),
      resetWindow: fc.constant(0),
      stableTimeout: fc.nat(2),
      backoffPolicy: fc.constantFrom({ kind: 'reboot' as const }, { kind: 'never' as const }),
    },
    { noNullPrototype: true },
  ),
);

const anyContainer = (name: string): fc.Arbitrary<ContainerPlan> =>
  fc
    .record(
      {
        group: fc.constantFrom('first', 'second', 'third'),
        statusGoal: fc.constantFrom('STARTED' as const, 'READY' as const, 'MOUNTED' as const),
        restartPolicy: fc.constantFrom('container' as const, 'container' as const, 'system' as const),
        autoRecovery: anyRule,
      },
      { noNullPrototype: true },
    )
    .map((patch) => container(name, patch));

const anyPlan: fc.Arbitrary<RevisionPlan> = fc
  .subarray(['a', 'b', 'c', 'x/y'], { minLength: 1 })
  .chain((names) => fc.tuple(...names.map(anyContainer)))
  .map((containers) => revision(containers, groups));

type Action =
  | { do: 'answer'; index: number; fail: boolean }
  | { do: 'timer' }
  | { do: 'crash'; index: number; exit: ExitStatus }
  | { do: 'ready'; index: number }
  | { do: 'request'; index: number; action: 'start' | 'stop' | 'restart' }
  | { do: 'stubborn'; index: number }
  | { do: 'stale'; index: number }
  | { do: 'trial'; active: boolean }
  | { do: 'transition'; plan: RevisionPlan };

const index = fc.nat(7);
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('answer' as const), index, fail: fc.nat(9).map((n) => n === 0) }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'timer' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      index,
      exit: fc.constantFrom<ExitStatus>(
        { kind: 'code', code: 0 },
        { kind: 'code', code: 1 },
        { kind: 'signal', signal: 'SIGKILL' },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ready' as const), index }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('request' as const),
      index,
      action: fc.constantFrom('start' as const, 'stop' as const, 'restart' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stubborn' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stale' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trial' as const), active: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('transition' as const), plan: anyPlan }) },
);

/** Plays actions on a world and knows, without the engine, what may not happen. */
class Witness {
  readonly world = new World();
  plan: RevisionPlan;
  readonly #keptStopped = new Set<string>();
  readonly #timedOut = new Set<string>();
  readonly #starts = new Map<string, number>();
  #id = 0;

  constructor(plan: RevisionPlan) {
    this.plan = plan;
    this.world.onEffect = (effect) => this.#witness(effect);
    this.world.send({ type: 'revision.run', plan, adopted: [] });
  }

  #witness(effect: Effect): void {
    if (effect.type === 'container.start' || (effect.type === 'container.mount' && effect.staged !== true)) {
      assert.ok(!this.#keptStopped.has(effect.name), `${effect.name} was stopped by a person and stays so`);
      this.#assertGate(effect.name);
    }
    if (effect.type !== 'container.start') return;
    this.#timedOut.delete(effect.name);
    const starts = (this.#starts.get(effect.name) ?? 0) + 1;
    this.#starts.set(effect.name, starts);
    const plan = this.plan.containers.find(({ name }) => name === effect.name);
    const own = plan?.autoRecovery.policy === 'no' ? undefined : plan?.autoRecovery;
    const rule = own ?? groups.find(({ name }) => name === plan?.group)?.autoRecovery ?? noRecovery;
    const allowed = rule.policy === 'no' ? 0 : rule.maxRetries === 0 ? Number.POSITIVE_INFINITY : rule.maxRetries;
    assert.ok(starts <= allowed + 1, `${effect.name} is started ${starts} times with ${allowed} retries`);
  }

  #assertGate(name: string): void {
    const own = this.plan.containers.find((candidate) => candidate.name === name)?.group;
    for (const { name: earlier } of groups) {
      if (earlier === own) return;
      const members = [...this.world.model.containers.values()].filter(({ plan }) => plan.group === earlier);
      const waiting = members.filter(
        ({ status, plan }) =>
          status !== plan.statusGoal && ['INSTALLED', 'BLOCKED', 'MOUNTED', 'STARTING', 'STARTED'].includes(status),
      );
      const oneTimedOut = waiting.some(({ plan }) => this.#timedOut.has(plan.name));
      assert.ok(waiting.length === 0 || oneTimedOut, `${name} starts before the goals of group ${earlier}`);
    }
  }

  #forgive(name: string): void {
    this.#keptStopped.delete(name);
    this.#starts.delete(name);
  }

  play(action: Action): void {
    const { world } = this;
    const names = [...world.model.containers.keys()];
    switch (action.do) {
      case 'answer':
        if (world.pending.length > 0) world.answer(action.index % world.pending.length, action.fail);
        break;
      case 'timer': {
        const [next] = [...world.timers].sort(([a, atA], [b, atB]) => atA - atB || (a < b ? -1 : 1));
        const goal = next && /^goal\/(.+)\/\d+$/.exec(next[0]);
        if (goal) this.#timedOut.add(goal[1]!);
        world.fireNext();
        break;
      }
      case 'crash': {
        const live = world.runs.filter(({ state }) => state === 'running');
        const run = live[action.index % Math.max(1, live.length)];
        if (run !== undefined) world.exit(run.name, action.exit);
        break;
      }
      case 'ready':
        world.send({ type: 'container.ready', name: names[action.index % names.length] ?? 'nobody' });
        break;
      case 'request':
        this.#request(names[action.index % Math.max(1, names.length)] ?? 'nobody', action.action);
        break;
      case 'stubborn': {
        const run = world.runs[action.index % Math.max(1, world.runs.length)];
        if (run !== undefined) run.stubborn = true;
        break;
      }
      case 'stale': {
        const armed = world.effects.flatMap((effect) => (effect.type === 'timer.arm' ? [effect.timer] : []));
        const timer = armed[action.index % Math.max(1, armed.length)];
        if (timer === undefined || world.timers.has(timer)) break;
        assert.deepEqual(world.send({ type: 'timer.fired', timer }), [], 'a timer of a finished run does nothing');
        break;
      }
      case 'trial':
        world.send({ type: 'revision.trial', active: action.active });
        break;
      case 'transition':
        this.#transition(action.plan);
    }
  }

  #request(name: string, action: 'start' | 'stop' | 'restart'): void {
    const id = ++this.#id;
    // The answer comes before what it begins, so forgive first and take it back when refused.
    const kept = this.#keptStopped.has(name);
    const starts = this.#starts.get(name);
    if (action !== 'stop') this.#forgive(name);
    this.world.send({ type: 'request.container', id, name, action });
    const answer = this.world.answers.get(id);
    assert.ok(answer, 'a request is answered at once');
    if (action === 'stop' && answer.ok) this.#keptStopped.add(name);
    if (action !== 'stop' && !answer.ok) {
      if (kept) this.#keptStopped.add(name);
      if (starts !== undefined) this.#starts.set(name, starts);
    }
  }

  #transition(plan: RevisionPlan): void {
    const before = new Map(this.plan.containers.map((entry) => [entry.name, entry]));
    const changed = (entry: ContainerPlan) => JSON.stringify(before.get(entry.name)) !== JSON.stringify(entry);
    const restart = plan.containers.filter((entry) => before.has(entry.name) && changed(entry)).map(({ name }) => name);
    const start = plan.containers.filter(({ name }) => !before.has(name)).map(({ name }) => name);
    const remove = [...before.keys()].filter((name) => !plan.containers.some((entry) => entry.name === name));
    for (const name of [...restart, ...start, ...remove]) this.#forgive(name);
    this.plan = plan;
    this.world.send({ type: 'revision.transition', plan, restart, remove, start });
  }

  /** Stops the device with everything answered and timers fired, and checks that nothing is left. */
  end(): void {
    const { world } = this;
    world.send({ type: 'device.stop', purpose: 'exit' });
    world.settle();
    for (let count = 0; world.stopped === undefined && count < 100; count++) {
      this.play({ do: 'timer' });
      world.settle();
    }
    assert.equal(world.stopped, 'exit', 'the device comes to its end');
    assert.deepEqual(world.left(), [], 'nothing is left');
    assert.equal(world.timers.size, 0, 'no timer is left');
    for (const { name } of world.runs)
      assert.equal(
        world.effects.filter(({ type, ...rest }) => type === 'container.mount' && 'name' in rest && rest.name === name)
          .length,
        world.effects.filter(
          ({ type, ...rest }) => type === 'container.release' && 'name' in rest && rest.name === name,
        ).length,
        'every mount has its release',
      );
    assert.deepEqual(
      world.reasons.filter(({ code }) => code === 'status-move-unknown'),
      [],
      'the table knows every move',
    );
  }
}

const anyStory = fc.record({ plan: anyPlan, actions: fc.array(anyAction, { maxLength: 60, size: 'max' }) });

test('property: gates, retries, stops, mounts and the end hold in every interleaving', () => {
  fc.assert(
    fc.property(anyStory, ({ plan, actions }) => {
      const witness = new Witness(plan);
      for (const action of actions) witness.play(action);
      witness.end();
    }),
    { numRuns: 400 },
  );
});

test('property: a transition ends with exactly the containers of the new revision', () => {
  fc.assert(
    fc.property(anyStory, anyPlan, ({ plan, actions }, target) => {
      const witness = new Witness(plan);
      for (const action of actions.slice(0, 20)) witness.play(action);
      witness.play({ do: 'transition', plan: target });
      const { world } = witness;
      world.settle();
      for (let count = 0; count < 50 && [...world.timers.keys()].some((timer) => timer.startsWith('stop/')); count++) {
        witness.play({ do: 'timer' });
        world.settle();
      }
      assert.deepEqual(
        new Map([...world.model.containers].map(([name, { plan: present }]) => [name, present])),
        new Map(target.containers.map((entry) => [entry.name, entry])),
      );
      witness.end();
    }),
    { numRuns: 200 },
  );
});

test('property: the same events give the same effects, and a model once given is never changed', () => {
  fc.assert(
    fc.property(anyStory, ({ plan, actions }) => {
      const witness = new Witness(plan);
      for (const action of actions) witness.play(action);
      const replayed: Effect[] = [];
      let model = createModel();
      for (const event of witness.world.sent) {
        const before = structuredClone(model);
        const result = step(model, event);
        assert.deepEqual(model, before);
        replayed.push(...result.effects);
        model = result.model;
      }
      assert.deepEqual(replayed, witness.world.effects);
      assert.deepEqual(model, witness.world.model);
    }),
    { numRuns: 60 },
  );
});

test('property: the history of a container follows the table without a gap', () => {
  fc.assert(
    fc.property(anyStory, ({ plan, actions }) => {
      const witness = new Witness(plan);
      for (const action of actions.filter(({ do: what }) => what !== 'transition')) witness.play(action);
      const present = new Map(plan.containers.map(({ name }) => [name, 'NONE']));
      for (const { name, from, to } of witness.world.history) {
        assert.equal(from, present.get(name));
        const triggers = Object.keys(statusTriggers) as StatusTrigger[];
        assert.ok(triggers.some((trigger) => nextStatus(from, trigger) === to));
        present.set(name, to);
      }
    }),
    { numRuns: 100 },
  );
});
