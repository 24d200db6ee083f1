/** Where the time of a run of the tests went, as a table for people. */

export interface StageTime {
  name: string;
  seconds: number;
  /** Share of all processors that worked while the stage ran, whoever they worked for; 0 to 1. */
  busy: number;
}

export interface FileTime {
  path: string;
  seconds: number;
}

/** Reads what the reporter `file-times.ts` has written; lines that are none are left out, for a run that was cut off may end in the middle. */
export function parseFileTimes(text: string): FileTime[] {
  return text.split('\n').flatMap((line) => {
    const [, milliseconds, path] = /^(\d+) (.+)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ path, seconds: Number(milliseconds) / 1000 }];
  });
}

/** What processors have done since they were started, in milliseconds (os.cpus()). */
export type ProcessorTimes = readonly {
  times: { user: number; nice: number; sys: number; idle: number; irq: number };
}[];

/** Share of the processors' time between two looks at them that was not idle, 0 to 1. */
export function busyShare(before: ProcessorTimes, after: ProcessorTimes): number {
  const sum = (all: ProcessorTimes, pick: (times: ProcessorTimes[number]['times']) => number) =>
    all.reduce((total, { times }) => total + pick(times), 0);
  const whole = ({ user, nice, sys, idle, irq }: ProcessorTimes[number]['times']) => user + nice + sys + idle + irq;
  const passed = sum(after, whole) - sum(before, whole);
  return passed <= 0 ? 0 : 1 - (sum(after, ({ idle }) => idle) - sum(before, ({ idle }) => idle)) / passed;
}

const inSeconds = (seconds: number) => `${seconds.toFixed(1)} s`.padStart(9);

/**
 * @param stages in the order in which they are to be shown
 * @param files of all stages; the slowest ones are shown
 * @returns lines, without a line feed at the end
 */
export function formatTimes(stages: readonly StageTime[], files: readonly FileTime[], most = 10): string {
  const slowest = [...files].sort((a, b) => b.seconds - a.seconds).slice(0, most);
  return [
    '── where the time went: stages, with how busy the processors were meanwhile',
    ...stages.map(
      ({ name, seconds, busy }) => `${inSeconds(seconds)} ${`${Math.round(busy * 100)} %`.padStart(5)}  ${name}`,
    ),
    ...(slowest.length === 0 ? [] : ['── the slowest test files']),
    ...slowest.map(({ path, seconds }) => `${inSeconds(seconds)}  ${path}`),
  ].join('\n');
}
