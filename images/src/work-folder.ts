/** A folder for what is only needed while something is built: gone afterwards, whatever ends the program. */
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const prefix = 'building-';
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function isAlive(process_: number): boolean {
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes what programs have left that were killed. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/**
 * Gives a new folder to `body` and removes it at the end. A signal that ends the program does so after the folder is gone.
 * @param parent folder in which it is made
 */
export async function withWorkFolder<T>(parent: string, body: (folder: string) => Promise<T>): Promise<T> {
  await sweep(parent);
  const folder = await mkdtemp(join(parent, `${prefix}${process.pid}-`));
  const onSignal = (signal: NodeJS.Signals) => {
    rmSync(folder, { recursive: true, force: true });
    // The listener is gone: now it does what it does usually.
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.once(signal, onSignal);
  try {
    return await body(folder);
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    await rm(folder, { recursive: true, force: true });
  }
}
