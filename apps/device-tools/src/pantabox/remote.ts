/** Parts of another device or of a repository at a hub: what `pvr get` does, without a clone (pvr.md §6, appengine.md C.1). */
import { formatBytes } from '@pantavisor/cli/output';
import { Failure } from '@pantavisor/cli/portable';
import type { PantaboxHost } from '../host/terminal-ports.ts';
import { readState, writeState } from '../pvtx/state-text.ts';
import type { Device } from './device.ts';
import { fetchPieces, fetchText } from './fetch.ts';
import { membersOf, objectsOf, partNamed, partsOf } from './parts.ts';

interface Remote {
  state: string;
  objects: string;
}

/** Told while objects are on their way. */
export type Tell = (change: { lines?: readonly string[]; share?: number }) => void;

/** State of a remote, and where its objects are. @throws Failure */
export async function openRemote(host: PantaboxHost, url: string): Promise<Remote> {
  const info = parsed(url, await fetchText(host, `${url}/.pvrremote`));
  const [json, objects] = ['json-get-url', 'objects-endpoint'].map((name) => info[name]);
  if (typeof json !== 'string' || typeof objects !== 'string')
    throw new Failure('remote', `cannot use ${url}: it is no repository that pvr could clone`);
  const state = await fetchText(host, json);
  try {
    readState(state);
  } catch (error) {
    throw new Failure('remote', `cannot use the state of ${url}: ${error instanceof Error ? error.message : error}`);
  }
  return { state, objects };
}

/**
 * Stores the objects of parts that the device does not have yet.
 * @returns text of a state with these parts alone @throws Failure when a part is not there, or an object is not to be had
 */
export async function fetchParts(
  host: PantaboxHost,
  device: Device,
  remote: Remote,
  names: readonly string[],
  tell: Tell,
): Promise<string> {
  const members = readState(remote.state);
  const chosen = names.flatMap((name) => {
    const found = membersOf(members, name);
    if (found.length === 0) partNamed(partsOf(remote.state), name, 'what is offered there');
    return found;
  });
  const known = new Set((await device.client.objects()).map(({ sha256 }) => sha256));
  const missing = objectsOf(chosen).filter((id) => !known.has(id));
  for (const [index, id] of missing.entries()) {
    const about = parsed(remote.objects, await fetchText(host, `${remote.objects}/${id}`));
    const [url, size] = [about['signed-geturl'], Number(about.size)];
    if (typeof url !== 'string' || !Number.isSafeInteger(size))
      throw new Failure('remote', `cannot fetch the object ${id}: the other side does not say where it is`);
    tell({ lines: [`object ${index + 1} of ${missing.length}, ${formatBytes(size)}`], share: index / missing.length });
    await device.client.putObject(id, { pieces: fetchPieces(host, url), size }, (sent) =>
      tell({ share: (index + sent / Math.max(1, size)) / missing.length }),
    );
  }
  return writeState(readState(writeState(chosen)));
}

function parsed(url: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new Failure(
    'remote',
    `cannot use ${url}: its answer is no JSON object; is it an address that pvr could clone?`,
  );
}
