/** Laying out a revision's directory from its state and the objects: "prepare run" (storage.md §2.1). */
import type { Bsp, InlineJson, ObjectEntry } from '@pantavisor/state';
import type { Files } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import {
  copyDurable,
  isCode,
  linkReplacing,
  makeTree,
  parentOf,
  readIfThere,
  syncDirectories,
  unlessCode,
  writeDurable,
} from './durable.ts';
import type { RevisionLayout, StorageLayout } from './layout.ts';
import { checkStateKey, isCopied } from './state-keys.ts';

/** The parts of a state that have files. */
export interface StateFiles {
  objects: readonly ObjectEntry[];
  inline: readonly InlineJson[];
  bsp?: Bsp;
}

const directoryMode = 0o775;
const fileMode = 0o644;

/**
 * Makes every file of a revision, links for the boot loader included. May be run again at any time; what is right stays.
 * Cut: some of the files; run it again, or let the validation before a run put in what is missing.
 * @param bootLinks whether a boot loader needs the board support files; not in app-engine mode
 * @returns keys whose object is not there; the revision cannot run without them
 * Fails with `boot-image-missing` when links for the boot loader are wanted and cannot be made, `state-key` for a key that is no path.
 */
export async function expandRevision(
  files: Files,
  layout: StorageLayout,
  revision: string,
  state: StateFiles,
  bootLinks: boolean,
): Promise<{ missing: ObjectEntry[] }> {
  const paths = layout.revision(revision);
  const touched = new Set<string>([paths.directory]);
  const missing: ObjectEntry[] = [];
  for (const { path } of [...state.objects, ...state.inline]) checkStateKey(path);
  for (const entry of state.objects) {
    const target = `${paths.directory}/${entry.path}`;
    await makeTree(files, parentOf(target), directoryMode);
    touched.add(parentOf(target));
    if (!(await placeObject(files, layout.object(entry.id), target))) missing.push(entry);
  }
  if (bootLinks) {
    await makeTree(files, paths.device);
    touched.add(paths.device);
    await linkBootFiles(files, paths, state.bsp);
  }
  for (const { path, text } of state.inline) {
    const target = `${paths.directory}/${path}`;
    if ((await readIfThere(files, target, text.length * 4)) === text) continue;
    await makeTree(files, parentOf(target));
    await writeDurable(files, target, text, fileMode);
  }
  await syncDirectories(files, touched);
  return { missing };
}

/** Links an object to its place, or copies it. False when the object is not there. */
async function placeObject(files: Files, object: string, target: string): Promise<boolean> {
  const [source, present] = [await files.status(object), await files.status(target)];
  if (source === undefined) return false;
  if (isCopied(target)) {
    // A copy that is there may have been written to by a container; it stays.
    if (present === undefined) await copyDurable(files, object, target, fileMode);
  } else if (present?.inode !== source.inode) await linkReplacing(files, object, target);
  return true;
}

/** Puts back one file of a revision that is lost, durably. False when the object is not there either. */
export async function restoreObject(files: Files, object: string, target: string): Promise<boolean> {
  await makeTree(files, parentOf(target), directoryMode);
  if (!(await placeObject(files, object, target))) return false;
  await files.syncDirectory(parentOf(target));
  return true;
}

/** Names in `.pv` by what they link to, relative to the revision's directory; further parts of the initial disk first. */
function bootFiles({ image, addons }: Bsp): [name: string, file: string][] {
  const parts = addons.map((addon, index): [string, string] => [`pv-initrd.img.${index}`, addon]);
  switch (image.kind) {
    case 'fit':
      return [...parts, ['pantavisor.fit', image.fit]];
    case 'rpiab':
      return [...parts, [image.image.endsWith('.gz') ? 'rpiboot.img.gz' : 'rpiboot.img', image.image]];
    case 'linux':
      return [
        ...parts,
        ['pv-kernel.img', image.kernel],
        ['pv-initrd.img', image.initrd],
        ...(image.fdt === undefined ? [] : ([['pv-fdt.dtb', image.fdt]] as [string, string][])),
      ];
  }
}

async function linkBootFiles(files: Files, paths: RevisionLayout, bsp: Bsp | undefined): Promise<void> {
  if (bsp === undefined)
    throw new Failure('boot-image-missing', 'cannot install a revision without bsp/run.json on this device', {
      file: 'bsp/run.json',
      hint: 'add the board support part to the state; only app-engine mode runs without it',
    });
  for (const [name, file] of bootFiles(bsp)) {
    try {
      await linkReplacing(files, `${paths.directory}/bsp/${file}`, `${paths.device}/${name}`);
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error;
      throw new Failure('boot-image-missing', `cannot link bsp/${file} for the boot loader: it is not there`, {
        file: `bsp/${file}`,
        hint: 'the state names it in bsp/run.json; its object has to be part of the state',
        cause: error,
      });
    }
  }
  // The boot loader loads numbered parts until one is missing: one too many would be loaded too.
  await unlessCode('ENOENT', files.unlink(`${paths.device}/pv-initrd.img.${bsp.addons.length}`));
}
