/**
 * A simulated device: disk, boot environment, boot loader and containers under the whole engine. Power can be cut between any two steps; what the
 * step in hand had reached by then is the test's choice. It checks what must never happen as it happens.
 */
import assert from 'node:assert/strict';
import { createDevice, type DeviceModel, stepDevice } from '../device.ts';
import type { Reason, RevisionPlan } from '../protocol.ts';
import type { CommandVerdict } from '../updates/commands.ts';
import type { Failure, FailureCode } from '../updates/failures.ts';
import { type Journal, journalText, parseJournal, revisionsToRead, revisionToRun } from '../updates/journal.ts';
import { isFailed, type Progress, parseProgress, progressText } from '../updates/progress.ts';
import type { DeviceEffect, DeviceEvent, UpdateKind, UpdateSettings, UpdateStep } from '../updates/protocol.ts';
import { container, group, recovery, revision } from './plans.ts';

export type DeviceEventBody = DeviceEvent extends infer E ? (E extends DeviceEvent ? Omit<E, 'at'> : never) : never;

/** How a revision behaves; part of its name, as in `locals/reboot-exits-1`. */
export const behaviours = {
  good: undefined,
  /** Ends by itself soon after the start. */
  exits: 'container-failed',
  /** Never says ready. */
  silent: 'goal-not-reached',
  /** Ends again and again, recovered each time until the retries are used up. */
  loops: 'container-failed',
  /** LXC refuses it. */
  unstartable: 'container-failed',
  /** Its checksums do not fit when it is to run. */
  corrupt: 'objects-invalid',
  /** The kernel panics before the runtime comes up. */
  panics: 'unexpected-rollback',
  unsigned: 'signature-failed',
  missing: 'state-not-found',
} as const satisfies Record<string, FailureCode | undefined>;
export type Behaviour = keyof typeof behaviours;

export function behaviourOf(name: string): Behaviour {
  const found = /^locals\/(?:reboot|place)-([a-z]+)/.exec(name)?.[1] ?? 'good';
  return Object.hasOwn(behaviours, found) ? (found as Behaviour) : 'good';
}

export function planOf(name: string): RevisionPlan {
  const autoRecovery =
    behaviourOf(name) === 'loops' ? recovery({ maxRetries: 3 }) : recovery({ maxRetries: 1, stableTimeout: 2 });
  const rule = ['exits', 'unstartable'].includes(behaviourOf(name)) ? {} : { autoRecovery };
  return revision([container('c', { statusGoal: 'READY', ...rule })], [group('app')], name);
}

const needsReboot = (name: string) => !name.startsWith('locals/place-');

type StepEffect = Extract<DeviceEffect, { step: number }>;

interface Job {
  what: string;
  /** Makes the change on disk, and the event that reports it. */
  run(): DeviceEventBody | undefined;
  step?: StepEffect;
}

const settings: UpdateSettings = { commitDelayMs: 5000, hubTimeoutMs: 10_000, retries: 3, trialLimitMs: 100_000 };

export class DeviceWorld {
  model: DeviceModel = createDevice();
  now = 0;
  readonly disk = {
    committed: '0',
    tried: undefined as string | undefined,
    journal: undefined as string | undefined,
    progress: new Map<string, string>(),
    done: new Set<string>(),
    /** Revision whose copy the factory revision is. */
    factory: '0',
  };
  /** What the boot loader remembers: the last revision it tried. */
  loaderTrying: string | undefined;
  bootCount = 0;
  booted = '0';
  running = '0';
  jobs: Job[] = [];
  timers = new Map<string, number>();
  /** The init of the container, if it runs, with the revision that it belongs to. */
  live: { run: number; revision: string } | undefined;
  refusals = 0;
  poweredOff = false;
  readonly log: string[] = [];
  readonly reasons: Reason[] = [];
  readonly answers = new Map<number, CommandVerdict>();
  readonly deviceFailures: Failure[] = [];
  readonly held: string[][] = [];
  /** Boots in which containers of a revision were started, since it was last asked for. */
  readonly boots = new Map<string, Set<number>>();
  readonly asked = new Set<string>();
  /** Revisions whose test was begun in this boot. */
  readonly tested = new Set<string>();
  /** Whether the boot loader forgets what it tried, as where it cannot store it. */
  forgetful = false;

  constructor() {
    this.boot();
  }

  progress(name: string): Progress | undefined {
    const text = this.disk.progress.get(name);
    return text === undefined ? undefined : parseProgress(text);
  }

  status(name: string): string {
    const progress = this.progress(name);
    return progress === undefined ? 'none' : `${progress.status} ${progress.message}`;
  }

  /** Power comes back: the boot loader chooses, the runtime starts. Panicking revisions come back to the loader. */
  boot(): void {
    for (let attempts = 0; ; attempts++) {
      assert.ok(attempts < 5, 'the boot loader finds a revision that boots');
      const { tried, committed } = this.disk;
      if (this.forgetful) this.loaderTrying = undefined;
      const booted = tried !== undefined && tried !== this.loaderTrying ? tried : committed;
      this.loaderTrying = booted === tried && booted !== committed ? tried : undefined;
      this.bootCount += 1;
      this.tested.clear();
      this.live = undefined;
      if (behaviourOf(booted) === 'panics') {
        this.forgetful = false;
        continue;
      }
      this.#start(booted);
      return;
    }
  }

  #start(booted: string): void {
    this.booted = booted;
    this.model = createDevice();
    this.jobs = [];
    this.timers = new Map();
    const bootId = String(this.bootCount);
    const { journal: text, tried, committed } = this.disk;
    const journal: Journal | undefined = text === undefined ? undefined : parseJournal(text);
    this.running = revisionToRun(booted, journal, bootId);
    const progress: Record<string, Progress> = {};
    for (const name of revisionsToRead(this.running, tried, journal)) {
      const stored = this.progress(name);
      if (stored !== undefined) progress[name] = stored;
    }
    this.log.push(`boot ${bootId} ${this.running}`);
    this.send({
      type: 'update.boot',
      environment: { running: this.running, committed, bootId, ...(tried === undefined ? {} : { tried }) },
      ...(journal === undefined ? {} : { journal }),
      progress,
      settings,
    });
  }

  /** The runtime dies and starts again; the machine and its containers go on. */
  restartRuntime(): void {
    this.#applyInHand(true);
    this.#start(this.loaderTrying ?? this.disk.committed);
  }

  /** Power fails; the step in hand was done, or was not. */
  cutPower(inHandDone: boolean): void {
    this.#applyInHand(inHandDone);
    this.log.push('power cut');
    this.boot();
  }

  #applyInHand(done: boolean): void {
    if (done) this.jobs.find(({ step }) => step !== undefined)?.run();
  }

  send(event: DeviceEventBody): void {
    const { model, effects, reasons } = stepDevice(this.model, { ...event, at: this.now } as DeviceEvent);
    this.model = model;
    this.reasons.push(...reasons);
    for (const effect of effects) this.#take(effect);
  }

  ask(kind: UpdateKind, name: string): void {
    const stored = this.progress(name);
    this.asked.add(name);
    this.boots.delete(name);
    this.send({
      type: 'update.requested',
      kind,
      revision: name,
      ...(stored === undefined ? {} : { progress: stored }),
    });
  }

  #take(effect: DeviceEffect): void {
    if ('step' in effect) {
      this.#takeStep(effect);
      return;
    }
    switch (effect.type) {
      case 'timer.arm':
        this.timers.set(effect.timer, this.now + effect.ms);
        break;
      case 'timer.cancel':
        this.timers.delete(effect.timer);
        break;
      case 'boot.proceed':
        this.#proceed(effect.revision);
        break;
      case 'device.stopped':
        this.log.push(`stopped ${effect.purpose}`);
        if (effect.purpose === 'reboot') this.jobs = [{ what: 'reboot', run: () => void this.boot() }];
        else this.poweredOff = true;
        break;
      case 'device.failed':
        this.deviceFailures.push(effect.failure);
        break;
      case 'restart.held':
        this.held.push(effect.by);
        break;
      case 'command.answer':
        this.answers.set(effect.id, effect.verdict);
        break;
      case 'container.mount':
        this.#job(`mount ${effect.run}`, () => ({ type: 'container.mounted', name: 'c', run: effect.run }));
        break;
      case 'container.start':
        this.#startContainer(effect.run);
        break;
      case 'container.halt':
      case 'container.kill':
        this.#job(`halt ${effect.run}`, () => this.#exit(effect.run));
        break;
      case 'container.release':
        this.#job(`release ${effect.run}`, () => ({ type: 'container.released', name: 'c', run: effect.run }));
        break;
      default:
        break;
    }
  }

  #job(what: string, run: Job['run']): void {
    this.jobs.push({ what, run });
  }

  #exit(run: number): DeviceEventBody | undefined {
    if (this.live?.run !== run) return undefined;
    this.live = undefined;
    return { type: 'container.exited', name: 'c', run, exit: { kind: 'code', code: 1 } };
  }

  #startContainer(run: number): void {
    const name = this.model.containers.revision ?? '';
    const behaviour = behaviourOf(name);
    const boots = this.boots.get(name) ?? new Set();
    if (this.booted === name) this.boots.set(name, boots.add(this.bootCount));
    assert.ok(behaviour === 'good' || boots.size <= 1, `${name} fails and runs in one boot only`);
    this.#job(`start ${run}`, () => {
      if (behaviour === 'unstartable')
        return { type: 'container.start-failed', name: 'c', run, reason: { code: 'lxc', message: 'cannot start c' } };
      this.live = { run, revision: name };
      if (behaviour === 'exits' || behaviour === 'loops') this.#job(`exit ${run}`, () => this.#exit(run));
      else if (behaviour !== 'silent') this.#job(`ready ${run}`, () => ({ type: 'container.ready', name: 'c' }));
      return { type: 'container.started', name: 'c', run, pid: 100 + run };
    });
  }

  #proceed(name: string): void {
    this.#job(`run ${name}`, () => {
      if (behaviourOf(name) === 'corrupt')
        return { type: 'update.run-failed', failure: { code: 'objects-invalid', reasons: [] } };
      const adopted =
        this.live?.revision === name ? [{ name: 'c', pid: 100, ready: behaviourOf(name) === 'good' }] : [];
      if (adopted.length > 0) this.live = { run: 1, revision: name };
      else this.live = undefined;
      return { type: 'revision.run', plan: planOf(name), adopted };
    });
  }

  #takeStep(effect: StepEffect): void {
    assert.ok(!this.jobs.some(({ step }) => step !== undefined), 'one step at a time');
    if (effect.type === 'progress.write' && effect.progress.status === 'TESTING') this.tested.add(effect.revision);
    const { step } = effect;
    this.jobs.push({
      what: effect.type,
      step: effect,
      run: () => {
        const failure = this.#refusal(effect);
        if (failure !== undefined) return { type: 'update.failed', step, failure };
        this.#apply(effect);
        if (effect.type !== 'transition.plan') return { type: 'update.done', step };
        const kind = needsReboot(effect.revision) ? 'reboot' : 'non-reboot';
        const transition = { kind, restart: ['c'], start: [], remove: [], reasons: [] } as const;
        return {
          type: 'update.done',
          step,
          planned: {
            transition: { ...transition, restart: ['c'], start: [], remove: [], reasons: [] },
            plan: planOf(effect.revision),
          },
        };
      },
    });
  }

  #refusal(effect: UpdateStep): Failure | undefined {
    const refuse = (code: FailureCode): Failure => ({ code, reasons: [{ code, message: `cannot ${effect.type}` }] });
    if (!('revision' in effect)) return undefined;
    const behaviour = behaviourOf(effect.revision);
    if (effect.type === 'revision.verify' && behaviour === 'unsigned') return refuse('signature-failed');
    if (effect.type === 'revision.verify' && behaviour === 'missing') return refuse('state-not-found');
    if (effect.type === 'revision.validate' && behaviour === 'corrupt') return refuse('objects-invalid');
    return undefined;
  }

  #apply(effect: UpdateStep): void {
    const { disk } = this;
    switch (effect.type) {
      case 'journal.write':
        disk.journal = journalText(effect.journal);
        break;
      case 'journal.remove':
        disk.journal = undefined;
        break;
      case 'progress.write':
        this.#store(effect.revision, effect.progress);
        break;
      case 'factory.write':
        disk.factory = effect.source;
        disk.progress.delete('0');
        break;
      case 'boot.set-try':
        assert.ok(!isFailed(this.progress(effect.revision)), 'a revision that is stored as failed is not tried');
        disk.tried = effect.revision;
        break;
      case 'boot.clear-try':
        disk.tried = undefined;
        break;
      case 'boot.commit':
        assert.equal(behaviourOf(effect.revision), 'good', 'only a good revision becomes the rollback point');
        assert.ok(this.tested.has(effect.revision), 'only a tested revision becomes the rollback point');
        disk.committed = effect.revision;
        disk.tried = undefined;
        break;
      case 'revision.mark-done':
        disk.done.add(effect.revision);
        break;
      case 'revision.switch':
        this.running = effect.revision;
        break;
      default:
        break;
    }
  }

  #store(name: string, next: Progress): void {
    const before = this.progress(name);
    if (isFailed(before)) assert.ok(this.asked.has(name), `${name} has failed and that is never replaced`);
    if (isFailed(next)) this.asked.delete(name);
    if (next.status === 'DONE') assert.equal(this.disk.committed, name, 'DONE is the rollback point');
    this.disk.progress.set(name, progressText(next));
    this.log.push(`${name} ${next.status} ${next.message}`);
  }

  /** Runs one job; `fail` refuses a step, so that it changes nothing. */
  work(index: number, fail?: FailureCode): void {
    const [job] = this.jobs.splice(index, 1);
    if (job === undefined) return;
    const event: DeviceEventBody | undefined =
      fail !== undefined && job.step !== undefined
        ? {
            type: 'update.failed',
            step: job.step.step,
            failure: { code: fail, reasons: [{ code: fail, message: job.what }] },
          }
        : job.run();
    if (event !== undefined) this.send(event);
  }

  /** Works, and lets time pass when there is nothing to do, until it is true. */
  workUntil(isTrue: () => boolean): void {
    for (let count = 0; !isTrue(); count++) {
      assert.ok(count < 500, 'it comes to be');
      if (this.jobs.length > 0) this.work(0);
      else assert.ok(this.fireNext(), 'it comes to be before everything rests');
    }
  }

  /** Works until this is what is to be done, and returns its position. */
  workTo(what: string): number {
    this.workUntil(() => this.jobs.some((job) => job.what === what));
    return this.jobs.findIndex((job) => job.what === what);
  }

  fireNext(): boolean {
    const [next] = [...this.timers].sort(([a, atA], [b, atB]) => atA - atB || (a < b ? -1 : 1));
    if (next === undefined) return false;
    this.timers.delete(next[0]);
    this.now = Math.max(this.now, next[1]);
    this.send({ type: 'timer.fired', timer: next[0] });
    return true;
  }

  /** Works until nothing is left to be done. */
  settle(): void {
    for (let count = 0; !this.poweredOff && this.jobs.length > 0; count++) {
      assert.ok(count < 5000, 'the device comes to rest');
      this.work(0);
    }
  }

  /** Lets all time pass that anything waits for. */
  rest(): void {
    for (let count = 0; !this.poweredOff; count++) {
      assert.ok(count < 500, 'the device comes to rest');
      this.settle();
      if (this.jobs.length === 0 && !this.fireNext()) return;
    }
  }
}
