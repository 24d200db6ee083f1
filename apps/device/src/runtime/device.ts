/**
 * A device from a storage directory: opens it, loads the revision, takes over what an earlier runtime left running, and runs the engine
 * until it is told to stop. Everything comes in through ports, so that the same code runs on Node, on the small host and on
 * a simulated machine.
 */
import {
  containerViews,
  createDevice,
  type DeviceModel,
  type Effect,
  stepDevice,
  type Failure as UpdateFailure,
} from '@pantavisor/engine';
import { type Ground, type GroundRequest, openGround } from '../boot/ground.ts';
import { runSystemHooks } from '../boot/hooks.ts';
import { type Machine, prepareMachine, reserveAddresses } from '../boot/machine.ts';
import { loadSecurityProfiles } from '../boot/security-profiles.ts';
import { removeTraces } from '../boot/teardown.ts';
import type { SysctlSetting } from '../config/sysctl.ts';
import { ContainerNotes } from '../containers/notes.ts';
import { startControl } from '../control/server.ts';
import type { Host, HttpServer } from '../host/ports.ts';
import type { HubClient } from '../hub-client/client.ts';
import { openHubClient, wantsHub } from '../hub-client/open.ts';
import { updateSettings } from '../updates/found.ts';
import { type PreparedRevision, RunningRevision } from '../updates/prepared-revision.ts';
import { createUpdates, type Updates } from '../updates/room.ts';
import { createExecutors, type Watchers } from './executors.ts';
import type { BuildInfo, Runtime } from './facade.ts';
import { Failure, sentenceOf } from './failure.ts';
import { LocalRooms } from './local-rooms.ts';
import { createLoop, type Loop } from './loop.ts';
import { hookEnvironment, runRevision } from './run-revision.ts';
import { createRuntime, PendingAnswers } from './runtime.ts';
import { createTimers } from './timers.ts';

export type StopPurpose = Extract<Effect, { type: 'device.stopped' }>['purpose'];

export interface DeviceRequest extends GroundRequest {
  buildInfo: BuildInfo;
  /** Kernel parameters that the configuration sets. */
  sysctls?: readonly SysctlSetting[];
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
 * Starts a device. Resolves when a revision was handed to the engine, or when the device has to restart before that; the control socket
 * answers, containers are still starting then.
 * @throws Failure when the device cannot start at all; nothing is held or left behind then
 */
export async function startDevice(host: Host, request: DeviceRequest): Promise<Device> {
  const ground = await openGround(host, request);
  const composition = new Composition(host, ground, request);
  try {
    return await composition.start();
  } catch (error) {
    await composition.abandon();
    ground.log('FATAL', 'boot', messageOf(error));
    await ground.board.lower();
    await ground.leave();
    throw error;
  }
}

/** The rooms of one device, put together. */
class Composition {
  readonly #host: Host;
  readonly #ground: Ground;
  readonly #request: DeviceRequest;
  readonly #running = new RunningRevision();
  readonly #loop: Loop<DeviceModel>;
  readonly #answers = new PendingAnswers();
  readonly #rooms: LocalRooms;
  #hub: HubClient | undefined;
  #unsubscribe: (() => void) | undefined;
  /** Why the last revision could not be run. */
  #runError: unknown;

  constructor(host: Host, ground: Ground, request: DeviceRequest) {
    this.#host = host;
    this.#ground = ground;
    this.#request = request;
    this.#rooms = new LocalRooms({
      host,
      ground,
      store: request.store,
      version: request.buildInfo.version,
      state: () => this.#running.current?.state,
      post: (event) => this.#loop.post(event),
      rounds: () => this.#hub,
    });
    this.#loop = createLoop<DeviceModel>({
      model: createDevice(),
      step: (model, event) => {
        const next = stepDevice(model, event);
        this.#rooms.updating(next.model.updates.attempt !== undefined);
        const { stopping } = next.model.containers;
        if (stopping !== undefined) this.#rooms.ending(stopping);
        return next;
      },
      clock: host.clock,
      onReasons: (reasons) => {
        for (const reason of reasons) ground.log('INFO', 'engine', sentenceOf(reason));
      },
    });
  }

  async start(): Promise<Device> {
    const [host, ground, running, loop] = [this.#host, this.#ground, this.#running, this.#loop];
    const { socketPath, log, places, config, boot } = ground;
    host.system.becomeSubreaper();
    await this.#rooms.open(this.#request.sysctls ?? []);
    await loadSecurityProfiles(host, config, log);
    const machine = await prepareMachine(host, ground, running, this.#rooms.drivers, loop.post);
    const { lifecycle } = machine;
    const revision = () => running.current?.name ?? boot.revision;
    const notes = new ContainerNotes(machine.records, lifecycle, host.clock, revision);
    const runtime = createRuntime({
      host,
      loop,
      lifecycle,
      answers: this.#answers,
      state: () => running.current?.state,
      noteWish: (report, stopped) => notes.wish(report, stopped),
      controlGroup: places.controlGroup,
      buildInfo: this.#request.buildInfo,
    });
    const begun = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<StopPurpose>();
    const updates = this.#updates(machine, begun);
    this.#hub = await this.#openHub(updates.collector);
    const control = await this.#openControl(runtime, updates);
    log(
      'INFO',
      'boot',
      `revision ${boot.revision} on ${places.storage} (${config.PV_SYSTEM_INIT_MODE}), socket ${socketPath}`,
    );
    const timers = createTimers(host.clock, (timer) => loop.post({ type: 'timer.fired', timer }));
    const watchers = this.#watch(notes, runtime, machine, (purpose) => {
      stopped.resolve(purpose);
      begun.resolve();
    });
    this.#hub?.start(boot.revision);
    this.#follow(machine);
    loop.run({
      ...createExecutors({ lifecycle, timers, answers: this.#answers, watchers, log }),
      ...updates.executors,
    });
    loop.post(boot.event);
    const end = async () => {
      this.#unsubscribe?.();
      await this.#hub?.close();
      updates.collector.close();
      await endDevice(host, ground, machine, control, this.#rooms);
    };
    try {
      await begun.promise;
    } catch (error) {
      await end();
      throw error;
    }
    const finished = stopped.promise.then(async (purpose) => {
      await end();
      await ground.leave();
      return purpose;
    });
    const stop = (purpose: StopPurpose) => loop.post({ type: 'device.stop', purpose });
    return { runtime, socketPath, revision: boot.revision, finished, stop };
  }

  /** Ends what a start that failed has left running. */
  abandon(): Promise<void> {
    return this.#rooms.close();
  }

  #updates(machine: Machine, begun: PromiseWithResolvers<void>): Updates {
    const [host, ground, running, loop] = [this.#host, this.#ground, this.#running, this.#loop];
    const settled = (error?: unknown) => {
      this.#runError = error;
      if (error === undefined) {
        this.#rooms.begun();
        begun.resolve();
      }
    };
    const starts = async (revision: string) => {
      await this.#rooms.revisionStarts(revision);
      // Its OEM file may be what names the Hub, or forbids it.
      if (this.#hub !== undefined) this.#hub.follow(revision);
      else if (wantsHub(this.#request.store)) {
        this.#hub = await this.#openHub(updates.collector);
        this.#hub?.start(revision);
      }
    };
    const room = { host, ground, machine, running, post: loop.post, starts, settled };
    const updates: Updates = createUpdates({
      host,
      ground,
      running,
      model: () => loop.model().updates,
      post: loop.post,
      startedFrom: () => machine.lifecycle.revisions(),
      switched: (revision) => this.#switch(machine, revision),
      held: (effect) => this.#rooms.held(effect),
      proceed: (revision, trial) => void runRevision(room, revision, trial),
      remote: () => this.#hub,
      carryOut: async (op, payload) => (await this.#hub?.carryOut(op)) || this.#rooms.carryOut(op, payload),
      failed: (failure) => begun.reject(this.#runError ?? failureOf(failure)),
    });
    return updates;
  }

  #openHub(collector: Pick<Updates['collector'], 'collect'>): Promise<HubClient | undefined> {
    const [host, ground, loop] = [this.#host, this.#ground, this.#loop];
    const { store, cmdline, buildInfo } = this.#request;
    return openHubClient({
      host,
      ground,
      store,
      cmdline,
      version: buildInfo.version,
      metadata: this.#rooms.metadata,
      awake: this.#rooms.wakeLocks,
      online: (isOnline) => {
        if (isOnline) this.#rooms.wakeWindows.online();
      },
      updates: () => loop.model().updates,
      collect: () => collector.collect(),
      post: loop.post,
    });
  }

  /** What keeps values of the configuration is told when they change. */
  #follow({ logs }: Machine): void {
    const { store } = this.#request;
    this.#unsubscribe = store.subscribe((config) => {
      this.#loop.post({ type: 'update.settings', settings: updateSettings(config) });
      void logs.follow();
    });
  }

  /** What carries the name of the running revision follows it to another one. */
  async #switch({ networks }: Machine, revision: PreparedRevision): Promise<void> {
    const { log, moveLog } = this.#ground;
    if (revision.state.pools.length > 0) await reserveAddresses(this.#host, networks, revision.sources.values());
    log('INFO', 'revision', `${revision.name} takes the place of the running revision`);
    await this.#rooms.revisionStarts(revision.name);
    this.#rooms.containersChanged();
    this.#hub?.follow(revision.name);
    await moveLog(revision.name).catch((error) => log('ERROR', 'log', messageOf(error)));
  }

  #openControl(runtime: Runtime, { objects, steps, commands }: Updates): Promise<HttpServer> {
    const { socketPath, layout, log } = this.#ground;
    return startControl(this.#host.http, socketPath, {
      runtime,
      text: this.#host.text,
      config: this.#request.store,
      objects: { store: objects, pathOf: (id) => layout.object(id) },
      steps,
      commands,
      metadata: this.#rooms.metadata,
      drivers: this.#rooms.drivers,
      daemons: this.#rooms.daemons,
      state: () => this.#running.current?.state,
      wakeLocks: { status: () => this.#rooms.wakeLocksStatus() },
      onFailure: (line, error) => log('ERROR', 'control', `${line}: ${messageOf(error)}`),
    });
  }

  /** What else follows from what the engine says: notes for the next runtime, hooks, the word that all is ready. */
  #watch(notes: ContainerNotes, runtime: Runtime, machine: Machine, stopped: (purpose: StopPurpose) => void): Watchers {
    const [host, ground, running, loop] = [this.#host, this.#ground, this.#running, this.#loop];
    const { log, places, socketPath } = ground;
    let announced = false;
    const announce = () => {
      if (announced || !areGoalsMet(loop.model())) return;
      announced = true;
      this.#request.onReady(socketPath);
    };
    const note = async (name: string) => {
      const report = runtime.containers().find((candidate) => candidate.name === name);
      // A container that has left the revision leaves no note.
      await (report === undefined ? machine.records.remove(name) : notes.status(report));
    };
    return {
      status: (name) => {
        if (loop.model().containers.stopping !== undefined) this.#rooms.watchdog.progress();
        note(name).catch((error) =>
          log('ERROR', 'containers', `cannot note the status of ${name}: ${messageOf(error)}`),
        );
        this.#rooms.containersChanged();
        announce();
      },
      revision: (status) => {
        announce();
        void this.#rooms.metadata.statusChanged(status);
        if (status !== 'READY') return;
        hookEnvironment(host, ground, running.current?.name ?? ground.boot.revision, 'system-done')
          .then((variables) => runSystemHooks(host, places.library, 'system-done', variables, log))
          .catch((error) => log('ERROR', 'boot', `cannot run the programs for system-done: ${messageOf(error)}`));
      },
      stopped,
    };
  }
}

/** Every container is where its goal wants it, or where a person or its own work has put it. */
function areGoalsMet({ containers }: DeviceModel): boolean {
  const views = containerViews(containers);
  return views?.every(({ goal, userStopped, completed }) => goal === 'ACHIEVED' || userStopped || completed) === true;
}

/** A failure of the engine's own, for the person who started the program. */
function failureOf({ code, reasons }: UpdateFailure): Failure {
  return new Failure(code, reasons.map(({ message }) => message).join('; ') || `cannot run any revision: ${code}`);
}

async function endDevice(
  host: Host,
  ground: Ground,
  machine: Machine,
  control: HttpServer,
  rooms: LocalRooms,
): Promise<void> {
  const { log, places } = ground;
  try {
    await control.close();
    await rooms.close();
    await machine.logs.close();
    await machine.bridges.close();
    await machine.records.settled();
    await ground.board.lower();
    await removeTraces(host, places, log);
    log('INFO', 'shutdown', 'everything is stopped');
  } catch (error) {
    log('ERROR', 'shutdown', messageOf(error));
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
