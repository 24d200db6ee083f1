/** Looks at a device through its control socket, again and again, and reports what it sees. */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import type { ControlClient } from '@pantavisor/ctrl-api/client';
import { isAtGoal, type Snapshot } from './view.ts';

/** Where a device in app-engine mode has its control socket, so that it can be watched while it comes up (docs/architecture.md, Places). */
export function controlSocketOf(storage: string): string {
  return `/run/pantavisor/${createHash('sha256').update(storage).digest('hex').slice(0, 8)}/pv/pv-ctrl`;
}

/** Milliseconds between two looks, while something is on its way and when nothing is. */
const intervals = { moving: 150, settled: 1000 };

/**
 * Reports a snapshot after each look until `signal` is aborted. A device that does not answer (not yet, or not any more) is no error.
 * @param onSnapshot undefined when the device did not answer
 */
export async function watchDevice(
  client: ControlClient,
  signal: AbortSignal,
  onSnapshot: (snapshot: Snapshot | undefined) => void,
): Promise<void> {
  while (!signal.aborted) {
    const snapshot = await lookAtDevice(client);
    if (signal.aborted) return;
    onSnapshot(snapshot);
    const moving = snapshot === undefined || !snapshot.containers.every(isAtGoal);
    await pause(moving ? intervals.moving : intervals.settled, signal);
  }
}

/** One look; undefined when the device does not answer. */
export async function lookAtDevice(client: ControlClient): Promise<Snapshot | undefined> {
  try {
    const [groups, containers] = await Promise.all([client.groups(), client.containerDetails()]);
    return { groups, containers };
  } catch {
    return undefined;
  }
}

/** Resolves when something accepts connections at the host and port of `url`, or when `signal` is aborted. */
export async function untilItListens(url: string, signal: AbortSignal): Promise<void> {
  const { hostname: host, port } = new URL(url);
  while (!signal.aborted) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect({ host, port: Number(port), signal, timeout: 1000 })
      .on('connect', () => resolve(true))
      .on('error', () => resolve(false))
      .on('timeout', () => resolve(false));
    const listens = await promise;
    socket.destroy();
    if (listens) return;
    await pause(50, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const cancel = () => {
    clearTimeout(timer);
    resolve();
  };
  signal.addEventListener('abort', cancel, { once: true });
  await promise;
  signal.removeEventListener('abort', cancel);
}

/** What changed between two snapshots, one sentence each, for output that is not a terminal. */
export function describeChanges(before: Snapshot | undefined, now: Snapshot): string[] {
  const old = new Map(before?.containers.map((container) => [container.name, container]));
  const changes = now.containers.flatMap((container) => {
    const { name, group, status, pid } = container;
    const previous = old.get(name);
    old.delete(name);
    if (previous?.status === status && previous.pid === pid) return [];
    return [`container ${name} (group ${group}): ${status}${pid === null ? '' : `, pid ${pid}`}`];
  });
  return [...changes, ...[...old.keys()].map((name) => `container ${name}: gone`)];
}
