/** Memory and processor time of processes, from /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

/** Kilobytes. */
export interface Memory {
  rss: number;
  pss: number;
  private: number;
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { rss: field('Rss'), pss: field('Pss'), private: field('Private_Clean') + field('Private_Dirty') };
}

export const sumMemory = (parts: Memory[]): Memory =>
  parts.reduce(
    (sum, part) => ({ rss: sum.rss + part.rss, pss: sum.pss + part.pss, private: sum.private + part.private }),
    {
      rss: 0,
      pss: 0,
      private: 0,
    },
  );

/** Milliseconds on a processor, and how often it was put on one, over all threads so far. */
export interface ProcessorUse {
  milliseconds: number;
  wakeups: number;
}

export function processorUseOf(pid: number): ProcessorUse {
  const use = { milliseconds: 0, wakeups: 0 };
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [nanoseconds = '0', , timeslices = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
      .trim()
      .split(' ');
    use.milliseconds += Number(nanoseconds) / 1e6;
    use.wakeups += Number(timeslices);
  }
  return use;
}

/** Processes whose command line contains the text: pid and command line. */
export function processesWith(text: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return command.includes(text) ? [{ pid: Number(name), command }] : [];
      } catch {
        return [];
      }
    });
}
