/** Running programs of the system for one answer: each has its time, and a failure is one sentence with what the program said. */
import { type Host, HostError } from '../host/ports.ts';
import { Failure } from './failure.ts';

/** Longest run of a program on a disk (boot.md §5). */
export const programTimeout = 60_000;
/** Programs that walk through a whole disk: a check, or a copy of zeros. */
export const longTimeout = 30 * 60_000;

export interface RunOptions {
  /** Given to the program's standard input, where no process list shows it. */
  input?: string;
  timeout?: number;
  environment?: Record<string, string>;
  /** Exit codes that are no failure beside 0. */
  good?: readonly number[];
}

/**
 * Runs a program to its end.
 * @param doing what it is for, e.g. `format the disk data`
 * @returns what it printed
 * @throws Failure `program`
 */
export async function runProgram(
  { processes }: Pick<Host, 'processes'>,
  doing: string,
  argv: readonly string[],
  { input, environment, timeout = programTimeout, good = [] }: RunOptions = {},
): Promise<string> {
  const [program = ''] = argv;
  const refuse = (why: string, cause?: unknown) =>
    new Failure('program', `cannot ${doing}: ${program}: ${why}`, cause === undefined ? {} : { cause });
  try {
    const result = await processes.run([...argv], {
      timeout,
      ...(input === undefined ? {} : { input }),
      ...(environment === undefined ? {} : { environment }),
    });
    if (result.code === 0 || (result.code !== undefined && good.includes(result.code))) return result.stdout;
    if (result.timedOut) throw refuse(`no end after ${timeout / 1000} s`);
    const said = result.stderr.trim().split('\n').slice(-2).join('; ');
    throw refuse(`${said === '' ? '' : `${said} `}(exit code ${result.code ?? result.signal})`);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    throw refuse(error.code === 'ENOENT' ? 'it is not there' : error.message, error);
  }
}
