import { Readable } from 'node:stream';
import type { HubEvent, LogEntry } from '@pantavisor/hub-api';
import { accepts } from '@pantavisor/hub-api';
import { hasScope, type Principal } from '../auth/principal.ts';
import type { Hub } from '../hub.ts';
import { logStore, wireLog } from '../logs/store.ts';
import { prnOf } from '../names/ids.ts';
import type { BusEvent } from './bus.ts';

export type Topic = 'device' | 'step' | 'log';

/** A slow reader may fall behind by so many bytes; then it is cut off, and reads everything again when it is back. */
const patience = 1024 * 1024;
const heartbeat = 20_000;

/** Whether an event is for this subscriber: it is about a thing of theirs, of a topic their token allows. */
export function mayHear(
  principal: Principal,
  event: BusEvent,
  topics: ReadonlySet<Topic>,
  only: string | undefined,
): boolean {
  if (event.kind !== 'device' && event.kind !== 'step' && event.kind !== 'log') return false;
  if (!topics.has(event.kind) || (only !== undefined && event.device !== only)) return false;
  if (!hasScope(principal, event.kind === 'step' ? accepts.trails.read : accepts.devices.read)) return false;
  if (principal.type === 'DEVICE') return principal.prn === prnOf.device(event.device) && !isOwnWord(event);
  return !principal.anonymous && event.owner !== '' && event.owner === principal.prn;
}

/** What a device has said itself need not be told to it. */
function isOwnWord(event: BusEvent): boolean {
  return event.kind === 'log' || ('what' in event && (event.what === 'progress' || event.what === 'device-meta'));
}

/**
 * A stream of server-sent events (WHATWG HTML §9.2) for one subscriber. It ends when the token is taken back or expires,
 * when the subscriber falls behind, or when the hub stops.
 */
export function subscribe(
  hub: Hub,
  principal: Principal,
  topics: ReadonlySet<Topic>,
  only: string | undefined,
): Readable {
  const stream = new Readable({ read: () => undefined, highWaterMark: patience });
  let count = 0;
  let ended = false;
  const end = () => {
    if (!ended) stream.push(null);
    ended = true;
  };
  const write = (event: HubEvent) => {
    if (ended) return;
    count += 1;
    if (!stream.push(`id: ${count}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)) stream.destroy();
  };
  // Entries that another replica stored are read from the database; the chain keeps events in order meanwhile.
  let chain = Promise.resolve();
  const interest = principal.type === 'DEVICE' ? { device: principal.prn } : { owner: principal.prn };
  const stop = hub.bus.listenTo(interest, (event) => {
    if (event.kind === 'stopping' || (event.kind === 'revoked' && event.prn === principal.prn)) end();
    else if (event.kind === 'gap') write({ type: 'lost', device: '' });
    else if (mayHear(principal, event, topics, only))
      chain = chain.then(async () => {
        const found = await wireEvent(hub, event).catch((): HubEvent => ({ type: 'lost', device: '' }));
        if (found !== undefined && !stream.destroyed) write(found);
      });
  });
  const beat = setInterval(() => {
    if (!hub.ready || (principal.claims.exp ?? Number.MAX_SAFE_INTEGER) * 1000 < hub.clock()) end();
    else if (!ended) stream.push(': still here\n\n');
  }, heartbeat);
  beat.unref();
  stream.once('close', () => {
    stop();
    clearInterval(beat);
  });
  stream.push(': welcome\nretry: 3000\n\n');
  return stream;
}

async function wireEvent(hub: Hub, event: BusEvent): Promise<HubEvent | undefined> {
  switch (event.kind) {
    case 'device':
      return { type: 'device', what: event.what, device: event.device };
    case 'step': {
      const { what, device, rev, progress } = event;
      return { type: 'step', what, device, rev, ...(progress === undefined ? {} : { progress }) };
    }
    case 'log': {
      const entries: LogEntry[] =
        event.entries ??
        (await logStore.range(hub.db, prnOf.device(event.device), event.first, event.last)).map(wireLog);
      return { type: 'log', device: event.device, entries };
    }
    default:
      return undefined;
  }
}
