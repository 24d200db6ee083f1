/** Loads under which the memory of a device is looked at: requests to the control socket, and updates in place. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { ControlError } from '@pantavisor/ctrl-api/client';
import type { RevisionRecipe } from '../../containers/src/recipe.ts';
import { probeContainer, writeRevision } from '../../tests/harness/revision.ts';
import { InstalledDevice } from './device.ts';
import { type Memory, memoryOf } from './processes.ts';

/** One `GET /containers`. */
export function askContainers(socketPath: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ socketPath, agent, path: '/containers', headers: { Host: 'localhost' } }, (answer) => {
      answer.resume().on('end', resolve);
    }).on('error', reject);
  });
}

/** How often memory is looked at: after each tenth. */
const looks = 10;

/**
 * Two versions of one container in turns, each by an update in place: stop, objects, mounts, start, commit.
 * @param host `small` or `node`
 * @param look told of the device's memory after each tenth of the updates
 * @returns milliseconds of one update
 */
export async function measureUpdates(host: string, updates: number, look: (memory: Memory) => void): Promise<number> {
  const version = (text: string): RevisionRecipe => ({
    containers: [probeContainer('app', ['init'], { group: 'app', network: 'host', config: { '/etc/version': text } })],
    groups: [{ name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 30 }],
  });
  const names = ['locals/one', 'locals/two'];
  const work = mkdtempSync(`${tmpdir()}/bench-growth-`);
  const installed = await InstalledDevice.install(version('zero'));
  const device = await installed.start({ PANTAVISOR_HOST: host, PV_UPDATER_COMMIT_DELAY: '0', PV_LOG_LEVEL: '2' });
  const { client } = device;
  try {
    for (const name of names) {
      const { state, objects, ids } = await writeRevision(work, version(name), name.replace('/', '-'));
      for (const id of new Set(Object.values(ids))) await client.putObject(id, readFileSync(`${objects}/${id}`));
      await client.putStep(name, readFileSync(state, 'utf8'));
    }
    const step = Math.max(1, Math.floor(updates / looks));
    const begin = performance.now();
    for (let done = 1; done <= updates; done += 1) {
      const name = names[done % 2]!;
      // The last update is over a moment after its progress says so.
      while (!(await accepted(client.command('LOCAL_RUN', name))))
        await new Promise((resolve) => setTimeout(resolve, 2));
      const isOver = async () => ['UPDATED', 'DONE'].includes((await client.stepProgress(name)).status);
      const runs = async () => (await client.deviceMetadata())['pantavisor.revision'] === name;
      while (!((await runs()) && (await isOver()))) await new Promise((resolve) => setTimeout(resolve, 2));
      if (done % step === 0) look(memoryOf(device.process.pid ?? 0));
    }
    return (performance.now() - begin) / updates;
  } finally {
    await device.stop();
    await installed.remove();
    rmSync(work, { recursive: true, force: true });
  }
}

/** False while the device is busy. */
function accepted(command: Promise<void>): Promise<boolean> {
  return command.then(
    () => true,
    (error: unknown) => {
      if (error instanceof ControlError && error.status === 503) return false;
      throw error;
    },
  );
}
