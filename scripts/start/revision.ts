/** What the device runs: one's own revision, what its storage already holds, or the demonstration built now. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalValue } from '@pantavisor/state';
import { demoPool, demoPort, demoRevision } from '../../containers/demo.ts';
import type { BridgeNetwork, ContainerRecipe } from '../../containers/src/recipe.ts';
import { buildRevision } from '../../containers/src/revision.ts';

/** Files that the device installs as its first revision. */
export interface InitialRevision {
  state: string;
  objects: string;
}

/** True when a device has lived in this directory before. */
export function holdsDevice(storage: string): boolean {
  return existsSync(join(storage, 'trails'));
}

/**
 * Builds the demonstration for a network.
 * @param directory empty; receives `state.json` and `objects/`
 * @param variant `change`: what is different in the web container; `impatient`: recovery that is quick enough to watch
 */
export async function buildDemo(
  directory: string,
  network: BridgeNetwork,
  { change = {}, impatient = false }: { change?: Partial<ContainerRecipe>; impatient?: boolean } = {},
): Promise<InitialRevision> {
  await mkdir(directory, { recursive: true });
  const initial = { state: join(directory, 'state.json'), objects: join(directory, 'objects') };
  const recipe = demoRevision(network, impatient);
  const containers = recipe.containers.map((one) => (one.name === 'web' ? { ...one, ...change } : one));
  const { state } = await buildRevision({ ...recipe, containers }, initial.objects);
  // As hubs write it: a state that is only written in another way would count as changed.
  await writeFile(initial.state, canonicalValue(JSON.parse(state)));
  return initial;
}

/** What the tour posts: another heading on the page, and a container whose program does not exist. */
export async function buildTour(
  directory: string,
  network: BridgeNetwork,
): Promise<{ page: InitialRevision; broken: InitialRevision }> {
  const titled = (PAGE_TITLE: string): Partial<ContainerRecipe> => ({ environment: { PAGE_TITLE } });
  const page = await buildDemo(join(directory, 'page'), network, {
    change: titled('Hello from the hub'),
    impatient: true,
  });
  const broken = { ...titled('Nobody will see this'), init: ['/usr/bin/no-such-program'] };
  return { page, broken: await buildDemo(join(directory, 'broken'), network, { change: broken, impatient: true }) };
}

/** Name of the revision that the device runs (storage.md §1: `trails/current`); `0` before it has said so. */
export function runningRevision(storage: string): string {
  try {
    return readlinkSync(join(storage, 'trails/current'));
  } catch {
    return '0';
  }
}

/** The network that a stored demonstration was built for, from the pool in its device.json; undefined when there is none. */
export function storedNetwork(storage: string): BridgeNetwork | undefined {
  const pool = readState(storage)?.['device.json']?.network?.pools?.[demoPool];
  const prefix = /^(\d+\.\d+\.\d+)\.1$/.exec(pool?.gateway ?? '')?.[1];
  return pool?.bridge !== undefined && prefix !== undefined ? { bridge: pool.bridge, prefix } : undefined;
}

/** Where the page of the container `web` is, from the address in its LXC configuration; undefined when it has none. */
export function pageUrl(storage: string): string | undefined {
  try {
    const config = readFileSync(join(storage, 'trails', runningRevision(storage), 'web/lxc.container.conf'), 'utf8');
    const address = /^\s*lxc\.net\.0\.ipv4\.address\s*=\s*([\d.]+)/m.exec(config)?.[1];
    return address === undefined ? undefined : `http://${address}:${demoPort}`;
  } catch {
    return undefined;
  }
}

interface DemoState {
  'device.json'?: { network?: { pools?: Record<string, { bridge?: string; gateway?: string }> } };
}

function readState(storage: string): DemoState | undefined {
  try {
    return JSON.parse(readFileSync(join(storage, 'trails', runningRevision(storage), '.pvr/json'), 'utf8'));
  } catch {
    return undefined;
  }
}
