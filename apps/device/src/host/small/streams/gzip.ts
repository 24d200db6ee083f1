/** Compressing files: the C host does it piece by piece, and the loop turns in between. */
import { type Kernel, type Loop, openFlags } from '@pantavisor/small-host';
import { type Files, HostError } from '../../ports.ts';
import { attempt } from '../failure.ts';

/** Creates the port's `gzip`: files are compressed one after the other. */
export function createCompressor(kernel: Kernel, loop: Loop, files: Files): (path: string) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (path) => {
    const done = last.then(() => compress(kernel, loop, files, path));
    last = done.catch(() => {});
    return done;
  };
}

async function compress(kernel: Kernel, loop: Loop, files: Files, path: string): Promise<void> {
  const status = await files.status(path, { follow: true });
  if (status === undefined) throw new HostError('ENOENT', 'compress', path);
  // Appears under its name only when it is complete.
  const draft = `${path}.part`;
  await files.write(draft, '', { mode: status.mode });
  try {
    const { machine } = kernel;
    const open = (name: string, flags: number) => attempt('compress', path, () => kernel.open(name, flags));
    const step = (result: number) => attempt('compress', path, () => kernel.door(result, 'compress', path));
    const source = open(path, openFlags.readOnly);
    try {
      const target = open(draft, openFlags.writeOnly);
      try {
        step(machine.gzipNew());
        while (step(machine.gzipMove(source, target)) > 0)
          await new Promise<void>((resolve) => void loop.after(0, resolve));
      } finally {
        machine.gzipEnd();
        kernel.close(target);
      }
    } finally {
      kernel.close(source);
    }
  } catch (error) {
    await files.unlink(draft).catch(() => {});
    throw error;
  }
  await files.rename(draft, `${path}.gz`);
  await files.unlink(path);
}
