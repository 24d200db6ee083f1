/**
 * A device from a storage directory: opens it, loads the revision, takes over what an earlier runtime left running, and runs the engine
 * until it is told to stop. Everything comes in through ports, so that the same code runs on Node, on the small host and on
 * a simulated machine.
 */
import { containerViews, createModel, type Effect, type Model, step } from '@pantavisor/engine';
import { formatProblem } from '@pantavisor/state';
import { adoptContainers } from '../boot/adoption.ts';
import { type Ground, type GroundRequest, openGround } from '../boot/ground.ts';
import { runSystemHooks } from '../boot/hooks.ts';
import { type Machine, openNetworks, prepareMachine } from '../boot/machine.ts';
import { removeTraces } from '../boot/teardown.ts';
import type { ContainerSource } from '../containers/launch.ts';
import { ContainerNotes } from '../containers/notes.ts';
import { relinkSockets } from '../containers/presence.ts';
import { startControl } from '../control/server.ts';
import type { Host, HttpServer } from '../host/ports.ts';
import { RevisionCheck } from '../revision/check.ts';
import { type LoadedRevision, loadRevision } from '../revision/load.ts';
import { setCurrent, writeObjectsConfig } from '../storage/revisions.ts';
import { createExecutors, type Watchers } from './executors.ts';
import type { BuildInfo, Runtime } from './facade.ts';
import { sentenceOf } from './failure.ts';
import { createLoop, type Loop } from './loop.ts';
import { revisionPlan } from './revision-plan.ts';
import { createRuntime, PendingAnswers } from './runtime.ts';
import { createTimers } from './timers.ts';

export type StopPurpose = Extract<Effect, { type: 'device.stopped' }>['purpose'];

export interface DeviceRequest extends GroundRequest {
  buildInfo: BuildInfo;
  /** Called once, when all goals of the revision are met for the first time. */
  onReady: (socketPath: string) => void;
}

/** A device that runs. */
export interface Device {
  runtime: Runtime;
  socketPath: string;
  revision: string;
  /** Resolves when everything is stopped and taken away. */
  finished: Promise<StopPurpose>;
  /** Stops everything in order. A second call changes nothing. */
  stop(purpose: StopPurpose): void;
}

/**
 * Starts a device. Resolves when the engine runs and the control socket answers; containers are still starting then.
 * @throws Failure when the device cannot start at all; nothing is held or left behind then
 */
export async function startDevice(host: Host, request: DeviceRequest): Promise<Device> {
  const ground = await openGround(host, request);
  try {
    const { files } = host;
    const { layout, revision, log, config } = ground;
    const loaded = await loadRevision(files, layout, ground.context, revision);
    for (const warning of loaded.warnings) log('WARN', 'state', formatProblem(warning));
    const check = new RevisionCheck(files, layout, revision, loaded.state, config.PV_SECUREBOOT_CHECKSUM);
    await layOut(host, ground, check);
    return await runDevice(host, ground, loaded, check, request);
  } catch (error) {
    ground.log('FATAL', 'boot', messageOf(error));
    await ground.leave();
    throw error;
  }
}

/** Puts the revision's files in place. A storage that takes no more bytes still runs what it has. */
async function layOut({ files }: Host, ground: Ground, check: RevisionCheck): Promise<void> {
  const { layout, revision, log, config } = ground;
  const attempt = async (doing: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      log('ERROR', 'storage', `cannot ${doing}: ${messageOf(error)}`);
    }
  };
  await attempt(`lay out revision ${revision}`, async () => {
    for (const path of await check.expand(config.PV_SYSTEM_INIT_MODE !== 'appengine'))
      log('ERROR', 'storage', `cannot find the object of ${path}`);
  });
  await attempt(`point to revision ${revision}`, () => setCurrent(files, layout, revision));
  await attempt('write .pvr/config', () => writeObjectsConfig(files, layout, revision));
  await attempt('trust the files of the device', () => check.verify());
}

async function runDevice(
  host: Host,
  ground: Ground,
  { name: revision, state }: LoadedRevision,
  check: RevisionCheck,
  request: DeviceRequest,
): Promise<Device> {
  const { socketPath, log, places, config, objects, layout } = ground;
  const trail = layout.revision(revision).directory;
  const sources = new Map<string, ContainerSource>(
    state.containers.map((container) => {
      const verify = () => check.verify(container.name);
      return [container.name, { container, revision, trail, verify }];
    }),
  );
  const sourceOf = (name: string) => {
    const source = sources.get(name);
    if (source === undefined) throw new RangeError(`cannot find container ${name} in revision ${revision}`);
    return source;
  };

  host.system.becomeSubreaper();
  const loop = createLoop<Model>({
    model: createModel(),
    step,
    clock: host.clock,
    onReasons: (reasons) => {
      for (const reason of reasons) log('INFO', 'engine', sentenceOf(reason));
    },
  });
  const machine = await prepareMachine(host, ground, state, sourceOf, loop.post);
  const { lifecycle } = machine;
  const answers = new PendingAnswers();
  const notes = new ContainerNotes(machine.records, lifecycle, host.clock, revision);
  const runtime = createRuntime({
    host,
    loop,
    lifecycle,
    answers,
    state: () => state,
    noteWish: (report, stopped) => notes.wish(report, stopped),
    controlGroup: places.controlGroup,
    buildInfo: request.buildInfo,
  });
  const control = await startControl(host.http, socketPath, {
    runtime,
    text: host.text,
    config: request.store,
    objects: { store: objects, pathOf: (id) => layout.object(id) },
    onFailure: (line, error) => log('ERROR', 'control', `${line}: ${messageOf(error)}`),
  });
  try {
    log(
      'INFO',
      'boot',
      `revision ${revision} on ${places.storage} (${config.PV_SYSTEM_INIT_MODE}), socket ${socketPath}`,
    );
    await openNetworks(host, ground, machine, state, [...sources.values()]);
    await runSystemHooks(host, places.library, 'system-start', hookEnvironment(ground), log);
    const adopted = await adoptContainers({ ...machine, host, places, log, revision, sources });
    const running = adopted.filter(({ pid }) => pid > 0).map(({ name }) => name);
    await relinkSockets(host.files, places, running);
    loop.post({ type: 'revision.run', plan: revisionPlan(revision, state), adopted });
  } catch (error) {
    await control.close();
    throw error;
  }
  const timers = createTimers(host.clock, (timer) => loop.post({ type: 'timer.fired', timer }));
  const finished = new Promise<StopPurpose>((resolve) => {
    const tearDown = () => endDevice(host, ground, machine, control);
    const stopped = (purpose: StopPurpose) => void tearDown().finally(() => resolve(purpose));
    const watchers = watch(host, ground, notes, runtime, loop, request, stopped);
    loop.run(createExecutors({ lifecycle, timers, answers, watchers, log }));
  });
  const stop = (purpose: StopPurpose) => loop.post({ type: 'device.stop', purpose });
  return { runtime, socketPath, revision, finished, stop };
}

/** What else follows from what the engine says: notes for the next runtime, hooks, the word that all is ready. */
function watch(
  host: Host,
  ground: Ground,
  notes: ContainerNotes,
  runtime: Runtime,
  loop: Loop<Model>,
  { onReady }: DeviceRequest,
  stopped: (purpose: StopPurpose) => void,
): Watchers {
  const { log, places, socketPath } = ground;
  let announced = false;
  const announce = () => {
    if (announced || !areGoalsMet(loop.model())) return;
    announced = true;
    onReady(socketPath);
  };
  const note = async (name: string) => {
    const report = runtime.containers().find((candidate) => candidate.name === name);
    if (report !== undefined) await notes.status(report);
  };
  return {
    status: (name) => {
      note(name).catch((error) => log('ERROR', 'containers', `cannot note the status of ${name}: ${messageOf(error)}`));
      announce();
    },
    revision: (status) => {
      announce();
      if (status === 'READY') void runSystemHooks(host, places.library, 'system-done', hookEnvironment(ground), log);
    },
    failed: () => loop.post({ type: 'device.stop', purpose: 'reboot' }),
    stopped,
  };
}

/** Every container is where its goal wants it, or where a person or its own work has put it. */
function areGoalsMet(model: Model): boolean {
  const views = containerViews(model);
  return views?.every(({ goal, userStopped, completed }) => goal === 'ACHIEVED' || userStopped || completed) === true;
}

/** Variables of system hooks outside of an update (boot.md §8). */
function hookEnvironment({ layout, revision }: Ground): Record<string, string> {
  return {
    PV_REV: revision,
    PV_TRY: '',
    PV_TRYBOOT: 'false',
    PV_OBJ_STORAGE: `${layout.objects}/`,
    PV_TRAILS_STORAGE: layout.revision(revision).directory,
  };
}

async function endDevice(host: Host, ground: Ground, machine: Machine, control: HttpServer): Promise<void> {
  const { log, places } = ground;
  try {
    await control.close();
    await machine.bridges.close();
    await machine.records.settled();
    await removeTraces(host, places, log);
    log('INFO', 'shutdown', 'everything is stopped');
  } catch (error) {
    log('ERROR', 'shutdown', messageOf(error));
  } finally {
    await ground.leave();
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
