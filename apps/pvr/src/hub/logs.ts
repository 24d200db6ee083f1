/** Log entries of devices, page after page, and on as they come (hub-api §8). */
import { setTimeout as pause } from 'node:timers/promises';
import type { LogEntry, LogPage } from '@pantavisor/hub-api';
import type { Pvr } from '../context.ts';
import type { LogQuery } from './log-query.ts';

const pageSize = '3000';
/** Milliseconds between two questions for news. */
const interval = 1000;

/**
 * The entries in the order of their time.
 * @param follow go on when there are no more, until the process ends
 */
export async function* readLogs(pvr: Pvr, query: LogQuery, follow: boolean): AsyncGenerator<LogEntry> {
  let { after } = query;
  const seen = new Set<string>();
  for (;;) {
    let newest = after;
    for await (const entry of readOnce(pvr, { ...query, ...(after === undefined ? {} : { after }) })) {
      const time = entry['time-created'];
      // Asking from the time of the last entry on brings it again.
      if (seen.has(entry.id)) continue;
      if (newest === undefined || time > newest) {
        newest = time;
        if (seen.size > 50_000) seen.clear();
      }
      seen.add(entry.id);
      yield entry;
    }
    after = newest;
    if (!follow) return;
    await pause(interval);
  }
}

async function* readOnce(pvr: Pvr, query: LogQuery): AsyncGenerator<LogEntry> {
  const parameters = new URLSearchParams({ cursor: 'true', page: pageSize, sort: 'time-created' });
  const optional: [string, string | undefined][] = [
    ['rev', query.revision],
    ['after', query.after],
    ['before', query.before],
    ['dev', query.devices],
    ['src', query.sources],
    ['lvl', query.levels],
    ['plat', query.platforms],
  ];
  for (const [name, value] of optional) if (value) parameters.set(name, value);
  let page = await pvr.hub.json<LogPage>('get logs', `${pvr.hubUrl}/logs/?${parameters}`);
  for (;;) {
    const entries = page.entries ?? [];
    yield* entries;
    const cursor = page['next-cursor'];
    if (entries.length === 0 || !cursor) return;
    page = await pvr.hub.json<LogPage>('get more logs', `${pvr.hubUrl}/logs/cursor`, {
      method: 'POST',
      body: { 'next-cursor': cursor },
    });
  }
}
