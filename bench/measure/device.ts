/** A device that a benchmark starts, measures and stops. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlClient } from '@pantavisor/ctrl-api/client';
import type { ContainerRecipe, RevisionRecipe } from '../../containers/src/recipe.ts';
import { DeviceProcess } from '../../scripts/start/device-process.ts';
import { probeContainer, writeRevision } from '../../tests/harness/revision.ts';

const pantavisor = fileURLToPath(new URL('../../apps/device/bin/pantavisor', import.meta.url));

/** The original was measured with containers that keep the host's network: one veth pair less to wait for. */
export function benchContainers(count: number): ContainerRecipe[] {
  return Array.from({ length: count }, (_, index) =>
    probeContainer(`c${String(index).padStart(2, '0')}`, ['init'], { group: 'root', network: 'host' }),
  );
}

export interface RunningDevice {
  client: ControlClient;
  process: DeviceProcess;
  /** Milliseconds from the start of the process until it said that all status goals are met. */
  readyAfter: number;
  stop(): Promise<void>;
}

/** Variables of the environment for a device, e.g. times of updates. */
export type DeviceEnvironment = Record<string, string>;

async function start(storage: string, initial: string[], environment: DeviceEnvironment = {}): Promise<RunningDevice> {
  const begin = performance.now();
  // No bridge: nothing of these containers uses one, and another device may have it.
  const device = new DeviceProcess(
    [pantavisor, '--storage', storage, ...initial],
    { PV_NET_BRDEV: '', ...environment },
    () => {},
  );
  const stop = async (): Promise<void> => {
    device.stop();
    await device.exited;
  };
  const ended = device.exited.then(({ code, signal }) => {
    throw new Error(
      `cannot start the device (${signal ?? `exit code ${code}`}):\n${device.lines.slice(-20).join('\n')}`,
    );
  });
  // After it was ready, its end is no failure of the start.
  ended.catch(() => {});
  const socket = await Promise.race([device.ready, ended]);
  const readyAfter = performance.now() - begin;
  return { client: new ControlClient(socket), process: device, readyAfter, stop };
}

/** A storage on which a revision is installed and has run once, so that a start is the start of every day. */
export class InstalledDevice {
  readonly storage: string;
  readonly #work: string;
  private constructor(work: string) {
    this.#work = work;
    this.storage = join(work, 'storage');
  }

  /** @throws with the last words of the device when it ends before it is ready */
  static async install(recipe: ContainerRecipe[] | RevisionRecipe): Promise<InstalledDevice> {
    const work = await realpath(await mkdtemp(join(tmpdir(), 'bench-device-')));
    const installed = new InstalledDevice(work);
    try {
      const { state, objects } = await writeRevision(join(work, 'revision'), recipe);
      const first = await start(installed.storage, ['--state', state, '--objects', objects]);
      await first.stop();
    } catch (error) {
      await installed.remove();
      throw error;
    }
    return installed;
  }

  start(environment: DeviceEnvironment = {}): Promise<RunningDevice> {
    return start(this.storage, [], environment);
  }

  remove(): Promise<void> {
    return rm(this.#work, { recursive: true, force: true });
  }
}

/** A device that was installed for one start; stopping it removes its storage. */
export async function startDevice(containers: ContainerRecipe[]): Promise<RunningDevice> {
  const installed = await InstalledDevice.install(containers);
  const running = await installed.start();
  const stop = async (): Promise<void> => {
    await running.stop();
    await installed.remove();
  };
  return { ...running, stop };
}
