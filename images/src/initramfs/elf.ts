/** What a dynamically linked program needs to run, read from its own headers, so that programs of other architectures can be read, too. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ElfNeeds {
  /** Names of shared libraries, e.g. `libc.so.6`. */
  libraries: string[];
  /** Absolute path of the loader; absent for a library and for a static program. */
  loader?: string;
}

/** @returns undefined when the file is no ELF object */
export async function elfNeeds(path: string, content: Uint8Array): Promise<ElfNeeds | undefined> {
  if (!(content[0] === 0x7f && content[1] === 0x45 && content[2] === 0x4c && content[3] === 0x46)) return undefined;
  const { stdout } = await run('readelf', ['--wide', '--dynamic', '--program-headers', path], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  const loader = /Requesting program interpreter: ([^\]]+)\]/.exec(stdout)?.[1];
  return {
    libraries: [...stdout.matchAll(/\(NEEDED\)\s+Shared library: \[([^\]]+)\]/g)].map(([, name]) => name ?? ''),
    ...(loader === undefined ? {} : { loader }),
  };
}
