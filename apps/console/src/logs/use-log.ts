import { type LogEntry, logRoutes } from '@pantavisor/hub-api';
import { useCallback, useEffect, useRef, useState } from 'react';
import { hub } from '../hub/client.ts';
import { useEvents } from '../hub/live.ts';
import { LogBuffer, type LogFilter, matches } from './buffer.ts';

const pageSize = '500';
const contextSize = '200';

async function page(device: string, filter: LogFilter, more: Record<string, string>): Promise<LogEntry[]> {
  const wanted = Object.entries(filter).filter(([, value]) => value !== undefined && value !== '') as [
    string,
    string,
  ][];
  const answer = await hub.call(logRoutes.list, {
    query: { dev: device, page: pageSize, cursor: 'true', ...Object.fromEntries(wanted), ...more },
  });
  return answer.entries ?? [];
}

/** Newest first on the wire, oldest first here. */
const older = async (device: string, filter: LogFilter, before?: string): Promise<LogEntry[]> =>
  (
    await page(device, filter, { sort: '-time-created', ...(before === undefined ? {} : { 'before-id': before }) })
  ).toReversed();
const newer = (device: string, filter: LogFilter, after: string): Promise<LogEntry[]> =>
  page(device, filter, { sort: 'time-created', 'after-id': after, page: contextSize });

const nextId = (id: string): string => (BigInt(`0x${id}`) + 1n).toString(16).padStart(24, '0');

export interface Log {
  buffer: LogBuffer;
  pending: boolean;
  error: unknown;
  /** there is nothing before the first line */
  complete: boolean;
  older(): void;
}

/**
 * The log of a device as far as it was looked at, and what comes.
 * @param line a line that must be in it, with some around it
 */
export function useLog(device: string, filter: LogFilter, line: string | undefined): Log {
  const buffer = useRef(new LogBuffer()).current;
  const [pending, setPending] = useState(true);
  const [error, setError] = useState<unknown>();
  const [complete, setComplete] = useState(false);
  const fetching = useRef(false);
  const frame = useRef(0);
  const key = JSON.stringify(filter);

  useEffect(() => {
    let gone = false;
    const wanted = JSON.parse(key) as LogFilter;
    buffer.clear();
    setPending(true);
    setError(undefined);
    setComplete(false);
    const load = async () => {
      const found = await older(device, wanted, line === undefined ? undefined : nextId(line));
      const behind = line === undefined ? [] : await newer(device, wanted, line);
      if (gone) return;
      buffer.append([...found, ...behind]);
      setComplete(found.length < Number(pageSize));
    };
    load()
      .catch((problem: unknown) => !gone && setError(problem))
      .finally(() => {
        if (gone) return;
        setPending(false);
        buffer.announce();
      });
    return () => {
      gone = true;
    };
  }, [device, key, line, buffer]);

  // Lines come in bursts; the screen changes once a frame, and of it only what shows the buffer. A page in the background has no
  // frames: the buffer, which has a limit, takes the lines at once.
  useEvents({ topics: 'log', device }, (event) => {
    if (event.type !== 'log') return;
    const wanted = JSON.parse(key) as LogFilter;
    const added = buffer.append(event.entries.filter((entry) => matches(wanted, entry)));
    buffer.received += added;
    if (frame.current !== 0 || added === 0) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      buffer.announce();
    });
  });
  useEffect(() => () => cancelAnimationFrame(frame.current), []);

  const fetchOlder = useCallback(() => {
    const first = buffer.first;
    if (fetching.current || first === undefined || (complete && !buffer.dropped)) return;
    fetching.current = true;
    older(device, JSON.parse(key) as LogFilter, first.id)
      .then((found) => {
        buffer.prepend(found);
        setComplete(found.length < Number(pageSize));
        buffer.announce();
      })
      .catch(setError)
      .finally(() => {
        fetching.current = false;
      });
  }, [buffer, complete, device, key]);

  return { buffer, pending, error, complete, older: fetchOlder };
}

/** All lines that match, oldest first, as text; fetched page by page. */
export async function downloadLog(
  device: string,
  filter: LogFilter,
  onCount: (lines: number) => void,
): Promise<string> {
  const lines: string[] = [];
  let after = '0';
  for (;;) {
    const found = await page(device, filter, { sort: 'time-created', 'after-id': after, page: '5000' });
    for (const { 'time-created': time, lvl = '', plat = '', src = '', msg = '' } of found)
      lines.push(`${time}\t${lvl}\t${plat}\t${src}\t${msg}`);
    onCount(lines.length);
    const last = found.at(-1);
    if (last === undefined || last.id <= after) return `${lines.join('\n')}\n`;
    after = last.id;
  }
}
