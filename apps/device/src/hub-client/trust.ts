/** Authorities that the device trusts for the Hub (PV_LIBTHTTP_CERTSDIR). */
import type { Files } from '../host/ports.ts';
import { isCode } from '../storage/durable.ts';

const fileLimit = 1024 * 1024;

/**
 * All certificates (PEM) of a directory: files that end in `.crt` or `.pem`. With at least one, these are trusted and no others.
 * @returns undefined when there are none, so that the authorities of the machine count
 */
export async function readAuthorities(files: Files, directory: string): Promise<string | undefined> {
  try {
    const names = (await files.list(directory)).map(({ name }) => name).filter((name) => /\.(crt|pem)$/.test(name));
    const texts = await Promise.all(names.map((name) => files.readText(`${directory}/${name}`, fileLimit)));
    return texts.length === 0 ? undefined : texts.join('\n');
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
