/** Brings planned volumes into being and takes them away again. */
import { type Host, HostError } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { emptyDirectory, makeDirectories } from './directories.ts';
import type { VolumeHandlers } from './handlers.ts';
import type { MountLedger } from './ledger.ts';
import type { VolumeStep } from './plan.ts';

export interface VolumeRoom {
  host: Pick<Host, 'files' | 'mounts'>;
  ledger: MountLedger;
  handlers: VolumeHandlers;
}

/**
 * Mounts the volumes of a container in order. When one fails, those of this call are taken away again and the failure is thrown.
 * @returns targets in the order of mounting
 */
export async function mountVolumes(
  room: VolumeRoom,
  container: string,
  steps: readonly VolumeStep[],
): Promise<string[]> {
  const mounted: string[] = [];
  try {
    for (const step of steps) {
      await mountOne(room, container, step);
      mounted.push(step.target);
    }
    return mounted;
  } catch (error) {
    for (const target of mounted.reverse()) await room.ledger.unmount(target).catch(() => undefined);
    throw error;
  }
}

async function mountOne(room: VolumeRoom, container: string, step: VolumeStep): Promise<void> {
  const { host, ledger, handlers } = room;
  const { files, mounts } = host;
  const { target } = step;
  if (step.kind !== 'handler' && step.kind !== 'disk-missing') await makeTarget(room, step);
  switch (step.kind) {
    case 'image': {
      const { source: image, filesystem } = step;
      await requireSource(room, image, 'file');
      await ledger.mount(target, async () => {
        try {
          // An object is shared by name and never changes, so nothing may write to it, whatever its file system.
          await mounts.mountImage({ image, target, filesystem, readOnly: true });
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : String(cause);
          const hint = `is it a complete ${filesystem} image?`;
          throw new Failure('volume-mount', `cannot mount ${image} as ${filesystem}: ${why}`, {
            file: image,
            hint,
            cause,
          });
        }
      });
      return;
    }
    case 'bind-file':
      await requireSource(room, step.source, 'file');
      await ledger.mount(target, () => mounts.mount({ source: step.source, target, flags: ['bind'] }));
      return;
    case 'bind-tree':
      await requireSource(room, step.source, 'directory');
      await ledger.mount(target, () => mounts.mount({ source: step.source, target, flags: ['bind', 'recursive'] }));
      return;
    case 'handler': {
      const { handler, source, file } = step;
      await ledger.mount(target, () => handlers.mount({ handler, source, container, file, target }));
      return;
    }
    case 'bind-storage':
      await makeDirectories(files, step.source);
      if (step.wipe && !ledger.has(target)) await emptyDirectory(files, step.source);
      await ledger.mount(target, () => mounts.mount({ source: step.source, target, flags: ['bind'] }));
      return;
    case 'temporary':
      await ledger.mount(target, () => mounts.mount({ source: 'none', target, type: 'tmpfs', data: 'mode=0755' }));
      return;
    case 'disk-missing':
      throw new Failure(
        'disk-missing',
        `cannot use disk ${step.disk} for ${target}: it is not known or not available`,
        {
          hint: 'name a disk of device.json that this device can open',
        },
      );
  }
}

async function makeTarget({ host }: VolumeRoom, { kind, target }: VolumeStep): Promise<void> {
  if (kind !== 'bind-file') return makeDirectories(host.files, target);
  await makeDirectories(host.files, target.slice(0, target.lastIndexOf('/')));
  if ((await host.files.status(target)) === undefined) await host.files.write(target, '', { mode: 0o644 });
}

async function requireSource({ host }: VolumeRoom, path: string, kind: 'file' | 'directory'): Promise<void> {
  const status = await host.files.status(path, { follow: true });
  if (status?.kind === kind) return;
  const found = status === undefined ? 'it is missing' : `it is a ${status.kind}`;
  throw new Failure('volume-missing', `cannot mount ${path}: ${found}`, { file: path });
}

/** Volumes that cannot exist twice at a time, and so cannot be mounted aside: they come when the earlier start is gone. */
export function mustWait(step: VolumeStep): boolean {
  return step.kind === 'handler' || (step.kind === 'bind-storage' && step.wipe);
}

/**
 * Brings volumes that were mounted aside to their place, in order, and mounts those that had to wait.
 * @param aside the plan they were mounted by
 * @param steps the plan of the same volumes at their place
 */
export async function settleVolumes(
  room: VolumeRoom,
  container: string,
  aside: readonly VolumeStep[],
  steps: readonly VolumeStep[],
): Promise<void> {
  const { host, ledger } = room;
  for (const [index, step] of steps.entries()) {
    const source = aside[index]?.target;
    if (source === undefined || mustWait(step)) {
      await mountOne(room, container, step);
      continue;
    }
    const { target } = step;
    await makeTarget(room, step);
    await ledger.mount(target, () => host.mounts.mount({ source, target, flags: ['bind', 'recursive'] }));
    for (const mounted of ledger.below(source).reverse()) await ledger.unmount(mounted);
  }
}

/**
 * Takes away everything mounted for a container, newest first, then the empty mount points. What lies below a mount point is never
 * looked at: it may be a user's data.
 * @param directory directory of all the targets
 * @param steps the plan it was mounted by; volumes of handlers are given back to them
 */
export async function unmountVolumes(
  { host, ledger, handlers }: VolumeRoom,
  container: string,
  directory: string,
  steps: readonly VolumeStep[],
): Promise<void> {
  for (const step of [...steps].reverse()) {
    if (step.kind !== 'handler' || !ledger.has(step.target)) continue;
    await ledger.unmount(step.target);
    await handlers.unmount({ handler: step.handler, source: step.source, container, file: step.file });
  }
  await ledger.unmountBelow(directory);
  for (const { kind, target } of steps) {
    if (kind === 'bind-file') await ignoreHostErrors(host.files.unlink(target));
    else await ignoreHostErrors(host.files.removeDirectory(target));
    await removeEmptyParents(host.files, target, directory);
  }
  await ignoreHostErrors(host.files.removeDirectory(directory));
}

async function removeEmptyParents(files: Host['files'], target: string, directory: string): Promise<void> {
  const parent = target.slice(0, target.lastIndexOf('/'));
  if (parent.length <= directory.length) return;
  await ignoreHostErrors(files.removeDirectory(parent));
  await removeEmptyParents(files, parent, directory);
}

/** A mount point that is not there, or holds something, stays as it is. */
async function ignoreHostErrors(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
}
