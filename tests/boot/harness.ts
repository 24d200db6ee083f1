/** Machines of tests: started with a hard time-out, gone at the end of the test, with the console's text when it failed. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { DebianCache } from '@pantavisor/images/debian';
import { emulators, Machine, type MachineArchitecture, type MachineOptions } from '@pantavisor/images/qemu';
import { atEnd, type Lifetime } from '../harness/cleanup.ts';

/** Everything that tests of images keep between runs. */
export const imageCache = fileURLToPath(new URL('../../build/images', import.meta.url));

export const debianCache: DebianCache = {
  folder: join(imageCache, 'debian'),
  say: (line) => console.error(`# ${line}`),
};

/** Why machines of an architecture cannot run here; false when they can. For `skip` of a test, which CI does not accept. */
export function machineMissing(architecture: MachineArchitecture = 'x86_64'): string | false {
  const { program } = emulators[architecture];
  if ((process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)))) return false;
  if (process.env.CI) throw new Error(`${program} is missing, and on CI nothing may be skipped`);
  return `${program} is not installed`;
}

/** Bytes of an initramfs, compressed, without modules of a kernel. */
export const largestInitramfs = 6_000_000;

/** The runtime as one executable, built if need be. @param architecture x64, arm64 or arm */
export function executableFor(architecture: string): string {
  const program = fileURLToPath(new URL('../../apps/device/build-small.ts', import.meta.url));
  return execFileSync(process.execPath, [program, architecture], { encoding: 'utf8' }).trim();
}

/**
 * Starts a machine that is killed when the test ends.
 * @param seconds hard time-out of the machine; generous, since other work may hold the processors
 */
export async function startMachine(t: TestContext, options: MachineOptions, seconds = 300): Promise<Machine> {
  const machine = await Machine.start(options, { seconds });
  watch(t, machine);
  return machine;
}

/** With `BOOT_CONSOLES` in the environment, a directory, writes there what comes from a console: for whoever looks for a fault. */
export function keepConsole(t: Lifetime, chunk: string | Uint8Array): void {
  const directory = process.env.BOOT_CONSOLES;
  if (directory !== undefined)
    appendFileSync(join(directory, `${t.name.replace(/\W+/g, '-').slice(0, 60)}.log`), chunk);
}

/** Ends a machine with its test, and keeps its console where that is wanted. */
export function watch(t: Lifetime, machine: Machine): void {
  machine.console.listen((chunk) => keepConsole(t, chunk));
  atEnd(t, async () => {
    await machine.kill();
  });
}

/**
 * Joins initramfs archives into one file's content: the kernel unpacks them one after the other, compressed or not. It looks for one that is not
 * compressed only at multiples of four bytes.
 */
export function joinInitrds(...parts: (string | Uint8Array)[]): Uint8Array {
  const contents = parts.map((part) => (typeof part === 'string' ? readFileSync(part) : part));
  return Buffer.concat(contents.flatMap((content) => [content, Buffer.alloc(-content.length & 3)]));
}

export const gzip = (content: Uint8Array): Uint8Array => gzipSync(content, { level: 1 });
