import { type FleetDevice, fleetRoutes } from '@pantavisor/hub-api';
import { hub, refusalOf } from '../../hub/client.ts';
import type { Selection } from '../selection.ts';

const pageSize = 1000;
/** Requests at once: enough to be quick, few enough to leave room for others. */
const atOnce = 4;

/** The selected devices, page by page. @throws when the list cannot be had */
export async function selectedDevices(
  query: string,
  { kind, ids }: Selection,
  signal: AbortSignal,
): Promise<FleetDevice[]> {
  const found: FleetDevice[] = [];
  for (let offset = 0; ; offset += pageSize) {
    const page = await hub.call(fleetRoutes.devices, {
      query: { q: query, sort: 'nick', 'page[size]': String(pageSize), 'page[offset]': String(offset) },
      signal,
    });
    found.push(...page.devices.filter(({ id }) => (kind === 'some') === ids.has(id)));
    if (offset + pageSize >= page.total || (kind === 'some' && found.length === ids.size)) return found;
  }
}

export interface Outcome {
  done: number;
  failures: { device: FleetDevice; why: string }[];
  /** whose turn did not come, because it was stopped before */
  left: FleetDevice[];
}

export const nothingDone: Outcome = { done: 0, failures: [], left: [] };

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const mostTries = 5;

/** One device; a hub that asks for patience gets it. */
async function attempt(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      await work();
      return;
    } catch (error) {
      const { status, reason } = refusalOf(error);
      if (tries >= mostTries || (status !== 429 && status !== 503 && reason !== 'offline')) throw error;
      await pause(500 * 2 ** tries);
    }
}

/**
 * Does something to many devices, a few at a time, and goes on when one fails.
 * @param before what became of others already; it is added to
 * @param signal ends it after those in work
 */
export async function forEachDevice(
  devices: readonly FleetDevice[],
  work: (device: FleetDevice) => Promise<unknown>,
  onProgress: (outcome: Outcome) => void,
  signal: AbortSignal,
  before: Outcome = nothingDone,
): Promise<Outcome> {
  const outcome: Outcome = { done: before.done, failures: [...before.failures], left: [] };
  let next = 0;
  const worker = async () => {
    while (!signal.aborted && next < devices.length) {
      const device = devices[next];
      next += 1;
      if (device === undefined) return;
      try {
        await attempt(() => work(device));
        outcome.done += 1;
      } catch (error) {
        outcome.failures.push({ device, why: refusalOf(error).message });
      }
      onProgress({ ...outcome, failures: [...outcome.failures], left: devices.slice(next) });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { ...outcome, left: devices.slice(next) };
}
