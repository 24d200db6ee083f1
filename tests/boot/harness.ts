/** Machines of tests: started with a hard time-out, gone at the end of the test, with the console's text when it failed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { DebianCache } from '@pantavisor/images/debian';
import { Machine, type MachineArchitecture, type MachineOptions } from '@pantavisor/images/qemu';
import { atEnd } from '../harness/cleanup.ts';

/** Everything that tests of images keep between runs. */
export const imageCache = fileURLToPath(new URL('../../build/images', import.meta.url));

export const debianCache: DebianCache = {
  folder: join(imageCache, 'debian'),
  say: (line) => console.error(`# ${line}`),
};

/** Why machines of an architecture cannot run here; false when they can. For `skip` of a test, which CI does not accept. */
export function machineMissing(architecture: MachineArchitecture = 'x86_64'): string | false {
  const program = `qemu-system-${architecture}`;
  if ((process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)))) return false;
  if (process.env.CI) throw new Error(`${program} is missing, and on CI nothing may be skipped`);
  return `${program} is not installed`;
}

/**
 * Starts a machine that is killed when the test ends.
 * @param seconds hard time-out of the machine; generous, since other work may hold the processors
 */
export async function startMachine(t: TestContext, options: MachineOptions, seconds = 300): Promise<Machine> {
  const machine = await Machine.start(options, { seconds });
  atEnd(t, async () => {
    await machine.kill();
  });
  return machine;
}

/** Joins initramfs archives into one file's content: the kernel unpacks them one after the other, compressed or not. */
export function joinInitrds(...parts: (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? readFileSync(part) : part)));
}

export const gzip = (content: Uint8Array): Uint8Array => gzipSync(content, { level: 1 });
