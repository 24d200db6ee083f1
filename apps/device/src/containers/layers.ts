/** Looking a path up in the layers of a root file system, before anything has put them together. */
import type { FileStatus, Files } from '../host/ports.ts';

/** More than any real chain of links has; a loop ends here. */
const linkLimit = 40;

/** What a path of the container leads to, links followed inside the layers. */
export interface Found {
  /** Path on the host. */
  path: string;
  status: FileStatus;
}

/**
 * Finds what a container would find at a path.
 * @param layers directories on the host, topmost first
 * @param path absolute path in the container
 * @returns undefined when nothing is there
 */
export async function findInLayers(files: Files, layers: readonly string[], path: string): Promise<Found | undefined> {
  let pending = partsOf(path);
  let place: string[] = [];
  let found: Found | undefined;
  for (let links = 0; pending.length > 0; ) {
    const [part, ...rest] = pending;
    if (part === '..') {
      place = place.slice(0, -1);
      pending = rest;
      continue;
    }
    const next = [...place, part ?? ''];
    found = await lookUp(files, layers, next.join('/'));
    if (found === undefined) return undefined;
    if (found.status.kind !== 'symlink') {
      place = next;
      pending = rest;
      continue;
    }
    links += 1;
    if (links > linkLimit) return undefined;
    const target = await files.readLink(found.path);
    if (target.startsWith('/')) place = [];
    pending = [...partsOf(target), ...rest];
    found = undefined;
  }
  return found;
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.');

async function lookUp(files: Files, layers: readonly string[], path: string): Promise<Found | undefined> {
  for (const layer of layers) {
    const status = await files.status(`${layer}/${path}`).catch(() => undefined);
    if (status !== undefined) return { path: `${layer}/${path}`, status };
  }
  return undefined;
}
