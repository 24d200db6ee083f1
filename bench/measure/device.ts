/** A device that a benchmark starts, measures and stops. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlClient } from '@pantavisor/ctrl-api/client';
import type { ContainerRecipe } from '../../containers/src/recipe.ts';
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
  storage: string;
  /** Stops the device and removes its storage. */
  stop(): Promise<void>;
}

/**
 * Starts a device on a new storage.
 * @throws with its last words when it ends before it is ready
 */
export async function startDevice(containers: ContainerRecipe[]): Promise<RunningDevice> {
  const work = await realpath(await mkdtemp(join(tmpdir(), 'bench-device-')));
  const storage = join(work, 'storage');
  const { state, objects } = await writeRevision(join(work, 'revision'), containers);
  const begin = performance.now();
  // No bridge: nothing of these containers uses one, and another device may have it.
  const settings = { PV_NET_BRDEV: '' };
  const device = new DeviceProcess(
    [pantavisor, '--storage', storage, '--state', state, '--objects', objects],
    settings,
    () => {},
  );
  const ended = device.exited.then(({ code, signal }) => {
    throw new Error(
      `cannot start the device (${signal ?? `exit code ${code}`}):\n${device.lines.slice(-20).join('\n')}`,
    );
  });
  const stop = async (): Promise<void> => {
    device.stop();
    await device.exited;
    await rm(work, { recursive: true, force: true });
  };
  try {
    const socket = await Promise.race([device.ready, ended]);
    ended.catch(() => {});
    const readyAfter = performance.now() - begin;
    return { client: new ControlClient(socket), process: device, readyAfter, storage, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
