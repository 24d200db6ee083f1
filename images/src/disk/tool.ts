/** Programs that make file systems, without anything of this machine and this moment in what they make. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The time that is written wherever a file system wants one, in seconds since 1970: FAT knows nothing before 1980. */
export const fixedTime = 315532800;

/** Files that do not fit into a file system. `message` says how much room there is and how much is needed. */
export class NoRoom extends Error {
  /** Bytes of the files. */
  readonly needed: number;
  constructor(what: string, size: number, needed: number, cause?: unknown) {
    const mebibytes = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
    super(`cannot put ${mebibytes(needed)} of files into ${what} of ${mebibytes(size)}`, { cause });
    this.needed = needed;
  }
}

/**
 * Runs a program with fixed time and locale.
 * @param hint Debian package that has it
 * @returns its standard output
 * @throws Error with its own words
 */
export async function runTool(argv: readonly [string, ...string[]], hint: string): Promise<string> {
  const [program, ...rest] = argv;
  const environment = {
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
    LC_ALL: 'C',
    TZ: 'UTC',
    SOURCE_DATE_EPOCH: `${fixedTime}`,
    E2FSPROGS_FAKE_TIME: `${fixedTime}`,
    MTOOLS_SKIP_CHECK: '1',
  };
  try {
    return (await run(program, rest, { env: environment, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (cause) {
    const { code, stderr, message } = cause as { code?: unknown; stderr?: string; message: string };
    if (code === 'ENOENT') throw new Error(`cannot find ${program}; install the Debian package ${hint}`, { cause });
    throw new Error(`cannot run ${argv.slice(0, 3).join(' ')}: ${stderr?.trim() || message}`, { cause });
  }
}
