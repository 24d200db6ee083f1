/** What the device runs: one's own revision, what its storage already holds, or the demonstration built now. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoPool, demoPort, demoRevision } from '../../containers/demo.ts';
import type { BridgeNetwork } from '../../containers/src/recipe.ts';
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

/** Builds the demonstration for a network. @param directory empty; receives `state.json` and `objects/` */
export async function buildDemo(directory: string, network: BridgeNetwork): Promise<InitialRevision> {
  await mkdir(directory, { recursive: true });
  const initial = { state: join(directory, 'state.json'), objects: join(directory, 'objects') };
  const { state } = await buildRevision(demoRevision(network), initial.objects);
  await writeFile(initial.state, state);
  return initial;
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
