/** The Hub's credentials when a revision keeps them in a volume of their own: what the device has had until then goes along (boot.md §4, config.md §8). */
import type { Files } from '../host/ports.ts';
import { readIfThere, writeDurable } from '../storage/durable.ts';

/** In the order in which they are copied: the last one tells that the first is there, too. */
const names = ['unclaimed.config', 'pantahub.config'] as const;
const fileLimit = 1024 * 1024;
/** They hold the secret. */
const fileMode = 0o600;

/**
 * Copies the configuration of the Hub from the storage into a new volume: what an image says of its hub, or who the device is there. A volume that has
 * been used keeps what it has. The copy in the storage stays for revisions without the volume.
 * @param from directory `config` of the storage
 * @param to directory of the volume
 * @returns names of the files that were copied
 */
export async function fillCredentialsVolume(files: Files, from: string, to: string): Promise<string[]> {
  const copied: string[] = [];
  const there = (name: string) => readIfThere(files, `${to}/${name}`, fileLimit);
  if ((await there('pantahub.config')) !== undefined) return copied;
  for (const name of names) {
    const text = await readIfThere(files, `${from}/${name}`, fileLimit);
    if (text === undefined || (await there(name)) !== undefined) continue;
    await writeDurable(files, `${to}/${name}`, text, fileMode);
    copied.push(name);
  }
  return copied;
}
