import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { filled, overlap, type Place, placesIn } from './token-places.ts';

/** One image of the folder. */
export interface Image {
  name: string;
  path: string;
  size: number;
  /** milliseconds since 1970 */
  modified: number;
}

/** What may be a name of an image: no path, nothing hidden. */
const isName = (name: string): boolean => /^[A-Za-z0-9][\w.+-]{0,127}$/.test(name);
const pieceSize = 1024 * 1024;

/** An image by name; undefined when there is none. @param folder empty = there are none */
export async function findImage(folder: string, name: string): Promise<Image | undefined> {
  if (folder === '' || !isName(name)) return undefined;
  const path = join(folder, name);
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? { name, path, size: found.size, modified: Math.floor(found.mtimeMs) } : undefined;
}

/** The images of a folder by name. @throws what reading it fails with, except that it is not there */
export async function listImages(folder: string): Promise<Image[]> {
  if (folder === '') return [];
  const names = await readdir(folder).catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found = await Promise.all(names.toSorted().map((name) => findImage(folder, name)));
  return found.filter((one) => one !== undefined);
}

/** Places for a token, read once per file as long as it stays the same. */
export class TokenPlaces {
  readonly #known = new Map<string, Promise<readonly Place[]>>();

  of(image: Image): Promise<readonly Place[]> {
    const key = `${image.path} ${image.size} ${image.modified}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = search(image);
    this.#known.set(key, found);
    found.catch(() => this.#known.delete(key));
    return found;
  }
}

async function search({ path, size }: Image): Promise<Place[]> {
  const file = await open(path);
  const places = new Map<number, Place>();
  try {
    const buffer = Buffer.alloc(pieceSize);
    for (let from = 0; from < size; from += pieceSize - overlap) {
      const { bytesRead } = await file.read(buffer, 0, pieceSize, from);
      for (const place of placesIn(buffer.subarray(0, bytesRead), from)) places.set(place.at, place);
      if (from + bytesRead >= size) break;
    }
  } finally {
    await file.close();
  }
  return [...places.values()];
}

/** The bytes of an image, with a token in its places. @param token empty = the places are left without one */
export async function* readImage({ path }: Image, places: readonly Place[], token: string): AsyncGenerator<Buffer> {
  let from = 0;
  for await (const piece of createReadStream(path, { highWaterMark: pieceSize })) {
    const bytes = piece as Buffer;
    yield filled(bytes, from, places, token);
    from += bytes.length;
  }
}
