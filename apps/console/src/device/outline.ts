import { classOfStatus, type Progress, type ProgressReport } from '@pantavisor/hub-api';
import { listParts, type ParseResult, parseState } from '@pantavisor/state';
import type { StepObjects } from '../hub/device.ts';

type JsonMap = Record<string, unknown>;

/** The text of a state as it is checked and compared here: every state is written in the same way. */
export const stateText = (state: JsonMap): string => JSON.stringify(state);

/** Reads a state as a device with any boot loader would. */
export const readState = (state: JsonMap): ParseResult => parseState(stateText(state), { initMode: 'embedded' });

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as JsonMap)[name] : undefined;

/** One app of a state: a container, the board support part, or a directory of files. */
export interface AppOutline {
  name: string;
  kind: 'bsp' | 'container' | 'directory';
  keys: string[];
  /** bytes of its objects */
  size: number;
  /** where it came from, e.g. `nginx:latest` */
  source: string;
  version: string;
}

/** Bytes of the objects below some keys, each object once. */
export function bytesOf(keys: readonly string[], state: JsonMap, objects: StepObjects | undefined): number {
  const seen = new Map<string, number>();
  for (const key of keys) {
    const object = objects?.get(key);
    if (object !== undefined) seen.set(text(state[key]), object.sizeint);
  }
  return [...seen.values()].reduce((sum, size) => sum + size, 0);
}

/** The apps of a state by name, the board support part first. */
export function listApps(state: JsonMap, objects: StepObjects | undefined): AppOutline[] {
  const parts = listParts(stateText(state)).filter(({ kind, name }) => kind !== 'root' && name !== '');
  const apps = parts.map(({ name, kind, keys, config, signature }): AppOutline => {
    const all = [...keys, ...config, ...(signature === undefined ? [] : [signature])];
    const source = state[`${name}/src.json`];
    const image = [text(member(source, 'docker_name')), text(member(source, 'docker_tag'))]
      .filter((one) => one !== '')
      .join(':');
    const digest = /sha256:([0-9a-f]{7})/.exec(text(member(source, 'docker_digest')))?.[1] ?? '';
    const build = state[`${name}/build.json`];
    return {
      name,
      kind: kind as AppOutline['kind'],
      keys: all,
      size: bytesOf(all, state, objects),
      source: image || text(member(source, 'pvr')) || text(member(source, 'docker_source')),
      version: digest || text(member(build, 'gitdescribe')) || text(member(source, 'docker_digest')).slice(0, 12),
    };
  });
  return apps.sort((a, b) => Number(b.kind === 'bsp') - Number(a.kind === 'bsp') || (a.name < b.name ? -1 : 1));
}

/** Stations of an update, in order. */
export const stations = ['NEW', 'QUEUED', 'DOWNLOADING', 'INPROGRESS', 'TESTING', 'DONE'] as const;
export type Station = (typeof stations)[number];

export interface Track {
  /** stations that were passed or reached */
  reached: Station;
  /** where it ended, when it did not hold */
  failed?: { at: Station; status: string; message: string };
  done: boolean;
}

const stationOf = (status: string): Station | undefined =>
  status === 'UPDATED' ? 'DONE' : stations.find((station) => station === status);

/** Where an update is on its way, from what the device said so far and says now. */
export function trackOf(
  reports: readonly Pick<ProgressReport, 'status' | 'status-msg'>[],
  now: Pick<Progress, 'status' | 'status-msg'>,
): Track {
  let reached: Station = 'NEW';
  for (const { status } of [...reports, now]) {
    const station = stationOf(status);
    if (station !== undefined && stations.indexOf(station) > stations.indexOf(reached)) reached = station;
  }
  const kind = classOfStatus(now.status);
  if (kind !== 'failed' && now.status !== 'CANCEL') return { reached, done: kind === 'good' };
  const at = reached === 'DONE' ? 'TESTING' : reached;
  return { reached: at, done: false, failed: { at, status: now.status, message: now['status-msg'] } };
}

/**
 * The revision that runs, as far as the hub knows: the newest that holds or is on trial. A trial that fails leads back to it.
 * @param steps newest first
 */
export const runningRevision = (steps: readonly { rev: number; status: string }[]): number | undefined =>
  steps.find(({ status }) => status === 'TESTING' || classOfStatus(status) === 'good')?.rev;
