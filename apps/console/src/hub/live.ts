import { changeRoutes, type HubEvent, readHubEvents } from '@pantavisor/hub-api';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { hub, refusalOf } from './client.ts';

export type Connection = 'idle' | 'connecting' | 'live' | 'offline';

/** How the streams of this page are doing: the worst of them counts. */
const streams = new Map<symbol, Exclude<Connection, 'idle'>>();
const listeners = new Set<() => void>();
const report = (key: symbol, state: Exclude<Connection, 'idle'> | undefined) => {
  if (state === undefined) streams.delete(key);
  else streams.set(key, state);
  for (const listener of listeners) listener();
};
const worst = (): Connection => {
  const states = [...streams.values()];
  return (['offline', 'connecting', 'live'] as const).find((state) => states.includes(state)) ?? 'idle';
};

export const useConnection = (): Connection =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, worst);

const shortestPause = 1_000;
const longestPause = 30_000;

export interface Subscription {
  /** comma list of device, step, log */
  topics: string;
  /** 24 hex digits; absent = all own devices */
  device?: string;
}

/**
 * Follows the events of the hub until the signal ends it; after a break it connects again and reports `lost`, since events may
 * have been missed. Pauses grow, with some chance in them, so that a hub that comes back is not stormed.
 */
export async function follow(
  { topics, device }: Subscription,
  onEvent: (event: HubEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const key = Symbol(topics);
  let pause = shortestPause;
  let broken = false;
  try {
    while (!signal.aborted) {
      report(key, broken ? 'offline' : 'connecting');
      try {
        const query = { topics, ...(device === undefined ? {} : { device }) };
        const response = await hub.request(changeRoutes.events, { query, signal } as never);
        if (response.status === 401 || response.status === 403) return;
        if (response.status !== 200) throw new Error(`cannot follow events: ${response.status}`);
        report(key, 'live');
        if (broken) onEvent({ type: 'lost', device: '' });
        pause = shortestPause;
        broken = false;
        for await (const { event } of readHubEvents(response)) onEvent(event);
      } catch (error) {
        if (signal.aborted) return;
        broken = refusalOf(error).reason === 'offline' || broken;
      }
      broken = true;
      await sleep(pause * (0.7 + Math.random() * 0.6), signal);
      pause = Math.min(longestPause, pause * 2);
    }
  } finally {
    report(key, undefined);
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Follows events while a component is on the screen. @param subscription undefined = nothing */
export function useEvents(subscription: Subscription | undefined, onEvent: (event: HubEvent) => void): void {
  const latest = useRef(onEvent);
  latest.current = onEvent;
  const topics = subscription?.topics;
  const device = subscription?.device;
  useEffect(() => {
    if (topics === undefined) return;
    const end = new AbortController();
    void follow({ topics, ...(device === undefined ? {} : { device }) }, (event) => latest.current(event), end.signal);
    return () => end.abort();
  }, [topics, device]);
}
