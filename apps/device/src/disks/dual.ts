/** Dual disks: two disks of which the first that can be opened counts, and what is moved from one to the other once (boot.md §5.2). */
import type { Disk } from '@pantavisor/state';
import type { Files, Processes } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';
import { longTimeout, runProgram } from '../runtime/programs.ts';
import { makeTree, removeDurable, writeDurable } from '../storage/durable.ts';

/** What a dual disk needs of its parts. */
export interface DualParts {
  files: Files;
  processes: Processes;
  /** Opens a part and returns its directory. */
  open(name: string, create: boolean): Promise<string>;
  close(name: string): Promise<void>;
  /** Directory of the markers. */
  markers: string;
  log: Log;
}

/**
 * Goes through the steps until one succeeds.
 * @returns directory of the part that counts
 * @throws Failure `disk-dual` with the failure of every step
 */
export async function openDual(parts: DualParts, disk: Disk): Promise<string> {
  const [primary, secondary] = disk.disks;
  if (primary === undefined || disk.initOrder.length === 0)
    throw new Failure(
      'disk-dual',
      `cannot open the disk ${disk.name}: it has ${primary === undefined ? 'no disks' : 'no init_order'}`,
    );
  const name = `${parts.markers}/dual_${primary}_${secondary ?? ''}`;
  const [marker, moving] = [`${name}.init_done`, `${name}.moving`];
  const failures: string[] = [];
  for (const step of disk.initOrder) {
    try {
      const directory = await takeStep(parts, step, primary, secondary, { marker, moving });
      if (directory === undefined) continue;
      // While something is half moved, the disk that it comes from counts, and what is new there is to be moved, too.
      if ((await parts.files.status(moving)) === undefined) await note(parts.files, marker);
      return directory;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures.push(`${step}: ${why}`);
      parts.log('WARN', 'disks', `${disk.name}: ${step} does not succeed: ${why}`);
    }
  }
  throw new Failure('disk-dual', `cannot open the disk ${disk.name}: no step succeeds: ${failures.join('; ')}`);
}

async function note(files: Files, path: string): Promise<void> {
  await makeTree(files, path.slice(0, path.lastIndexOf('/')));
  await writeDurable(files, path, '');
}

/**
 * @param notes files that tell that everything was moved or need not be, and that moving has begun
 * @returns undefined when the step does not apply
 */
async function takeStep(
  parts: DualParts,
  step: string,
  primary: string,
  secondary: string | undefined,
  { marker, moving }: { marker: string; moving: string },
): Promise<string | undefined> {
  const { files } = parts;
  if (step === 'primary' || step === 'create-primary') {
    const isHalf = (await files.status(marker)) === undefined && (await files.status(moving)) !== undefined;
    if (isHalf) throw new Failure('disk-dual', `what was moved to ${primary} is not whole`);
    return parts.open(primary, step === 'create-primary');
  }
  if (secondary === undefined) throw new Failure('disk-dual', 'there is no second disk');
  if (step === 'secondary') return parts.open(secondary, false);
  if (step === 'create-secondary') return parts.open(secondary, true);
  if ((await files.status(marker)) !== undefined) return undefined;
  const from = await parts.open(secondary, false);
  try {
    const to = await parts.open(primary, true);
    await note(files, moving);
    await copyContent(parts, from, to);
    await compareContent(files, from, to);
    await note(files, marker);
    await removeDurable(files, moving);
    return to;
  } finally {
    await parts.close(secondary);
  }
}

const skipped = 'lost+found';

async function entriesOf(files: Files, directory: string) {
  return (await files.list(directory)).filter(({ name }) => name !== skipped);
}

/** Copies everything with owners and modes, so that it is on the disk when this ends. */
async function copyContent(parts: DualParts, from: string, to: string): Promise<void> {
  for (const { name } of await entriesOf(parts.files, from))
    await runProgram(parts, `copy ${from}/${name}`, ['cp', '-a', `${from}/${name}`, `${to}/`], {
      timeout: longTimeout,
    });
  await runProgram(parts, `write ${to}`, ['sync'], { timeout: longTimeout });
}

/** The original compares inode numbers, which differ between any two file systems; what counts is the content. */
async function compareContent(files: Files, from: string, to: string): Promise<void> {
  for (const { name, kind } of await entriesOf(files, from)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    const same =
      kind === 'directory'
        ? (await files.status(target))?.kind === 'directory'
        : kind === 'symlink'
          ? (await files.readLink(source)) === (await files.readLink(target))
          : kind !== 'file' || (await files.digest(source)) === (await files.digest(target));
    if (!same) throw new Failure('disk-dual', `cannot copy ${source}: what arrived at ${target} differs`);
    if (kind === 'directory') await compareContent(files, source, target);
  }
}
