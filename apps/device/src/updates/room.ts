/**
 * Updates on a device: the effects of the engine's update machine carried out over ports.
 *
 * A simulation gets all of it by running the whole program on the simulated machine (`host/memory`): the storage code, the boot environment and
 * this room are the real ones. The boot loader is either simulated outside, which passes `pv_rev=…` with `--cmdline` at each start
 * (`bootenv/launcher.ts` says how it chooses) and starts the program again when it ends with code 0; or left to the runtime, which
 * chooses itself when nobody names a revision (`boot-record.ts`).
 */
import {
  type CommandOp,
  revisionsInUse,
  type UpdateEffect,
  type Failure as UpdateFailure,
  type UpdateModel,
} from '@pantavisor/engine';
import type { Ground } from '../boot/ground.ts';
import type { StateVerdict, StepDoors } from '../control/steps.ts';
import type { Host } from '../host/ports.ts';
import { readState } from '../revision/load.ts';
import { sentenceOf } from '../runtime/failure.ts';
import type { Executors, NewEvent } from '../runtime/loop.ts';
import type { ObjectStore } from '../storage/objects.ts';
import { readSpace } from '../storage/space.ts';
import { createBootSteps } from './boot-steps.ts';
import { Collector } from './collector.ts';
import { DeviceCommands } from './commands.ts';
import { Installer } from './install-steps.ts';
import type { PreparedRevision, RunningRevision } from './prepared-revision.ts';
import type { Remote } from './remote.ts';
import { createStepExecutor } from './steps.ts';
import { Turns } from './turns.ts';
import { verifyState } from './verify-state.ts';

export interface UpdatesRequest {
  host: Host;
  ground: Ground;
  running: RunningRevision;
  model(): UpdateModel;
  post(event: NewEvent): void;
  /** Revisions that running containers were started from. */
  startedFrom(): readonly string[];
  /** Another revision runs from now on. */
  switched(revision: PreparedRevision): Promise<void>;
  /** A reboot waits. */
  held(effect: Extract<UpdateEffect, { type: 'restart.held' }>): void;
  /** Loads and runs a revision; ends in an event. */
  proceed(revision: string, trial: boolean): void;
  /** The Hub client, if the device has one; asked when it is needed. */
  remote(): Remote | undefined;
  /** Carries out a command that is none of updates. False: nobody here can. */
  carryOut(op: CommandOp, payload: string): Promise<boolean>;
  /** No revision can be run. */
  failed(failure: UpdateFailure): void;
}

export interface Updates {
  executors: Pick<Executors, UpdateEffect['type']>;
  commands: DeviceCommands;
  /** The store of objects for clients: uploads put off the collector. */
  objects: ObjectStore;
  steps: StepDoors;
  collector: Collector;
}

export function createUpdates(request: UpdatesRequest): Updates {
  const { host, ground, running, model, post, startedFrom, remote } = request;
  const { files, clock } = host;
  const { layout, config, context, log, objects } = ground;
  const turns = new Turns();
  const collector = new Collector({
    files,
    layout,
    config,
    clock,
    objects,
    turns,
    updates: model,
    startedFrom,
    log,
  });
  const commands = new DeviceCommands({
    files,
    layout,
    collector,
    carryOut: request.carryOut,
    context: () => ({
      remote: remote()?.remote ?? false,
      remoteAllowed: config.PV_CONTROL_REMOTE,
      claimed: remote()?.claimed ?? false,
      debugShell: config.PV_DEBUG_SHELL,
    }),
    post,
    log,
  });
  const take = createStepExecutor({
    files,
    layout,
    installer: new Installer({ host, layout, config, context, log }, running),
    boot: createBootSteps({
      host,
      layout,
      config,
      environment: ground.boot.environment,
      library: ground.places.library,
      log,
    }),
    tail: ground.errorTail,
    turns,
    remote,
    switched: request.switched,
    post,
    log,
  });
  return {
    executors: updateExecutors(request, take, commands, collector),
    commands,
    objects: { ...objects, put: noticing(objects, collector) },
    steps: {
      files,
      layout,
      space: () => readSpace(files, layout, config.PV_STORAGE_GC_RESERVED),
      checkState: (text) => checkState(host, ground, text),
      busyRevisions: () => revisionsInUse(model()),
    },
    collector,
  };
}

function updateExecutors(
  { ground, held, proceed, failed, remote }: UpdatesRequest,
  take: (effect: Extract<UpdateEffect, { step: number }>) => void,
  commands: DeviceCommands,
  collector: Collector,
): Updates['executors'] {
  const { log } = ground;
  return {
    'journal.write': take,
    'journal.remove': take,
    'progress.write': take,
    'factory.write': take,
    'revision.verify': take,
    'revision.download': take,
    'revision.expand': take,
    'transition.plan': take,
    'revision.validate': take,
    'boot.install': take,
    'boot.set-try': take,
    'boot.clear-try': take,
    'boot.commit': take,
    'revision.mark-done': take,
    'revision.switch': take,
    'boot.proceed': ({ revision, trial }) => proceed(revision, trial),
    'device.failed': ({ failure }) => failed(failure),
    'restart.held': (effect) => {
      log('INFO', 'updates', `the reboot waits for: ${effect.by.join(', ')}`);
      held(effect);
    },
    'command.answer': ({ id, verdict }) => commands.answer(id, verdict),
    'command.run': (effect) => commands.run(effect),
    'update.ended': ({ revision, progress, reasons }) => {
      const why = reasons.map((reason) => `\n${sentenceOf(reason)}`).join('');
      log('INFO', 'updates', `the update to ${revision} has ended: ${progress.status} ${progress.message ?? ''}${why}`);
      remote()?.ended();
      collector.consider();
    },
  };
}

/** Uploads that say when they go on. */
function noticing(objects: ObjectStore, collector: Collector): ObjectStore['put'] {
  return (id, save, expectedSize) => {
    collector.activity();
    const saving: typeof save = (path, admit) =>
      save(path, (total) => {
        collector.activity();
        return admit(total);
      });
    return objects.put(id, saving, expectedSize);
  };
}

/** Whether a state may be stored, in the original's words (control.md, PUT /steps). */
async function checkState(host: Host, { config, context }: Ground, text: string): Promise<StateVerdict> {
  const verdict = await verifyState(host, config, text);
  if (!verdict.ok) return { ok: false, text: `Secureboot: ${verdict.message}` };
  try {
    readState(text, context, 'of the request');
    return { ok: true };
  } catch {
    return { ok: false, text: 'Parser: State JSON has bad format' };
  }
}
