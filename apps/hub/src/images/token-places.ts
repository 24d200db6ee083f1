/**
 * Places for a join token in an image of a disk. A recipe that says `"hub": {"PH_FACTORY_AUTOTOK": "@@@…"}`, with at least
 * {@link shortestPlace} of these signs, has one: a line in a file, which can get another text of the same length without the file
 * system noticing (ext4 has no checksums of contents).
 */
const key = Buffer.from('PH_FACTORY_AUTOTOK=');
const blank = '@'.charCodeAt(0);
/** A token has 32 characters. */
export const shortestPlace = 40;

/** Where a text of so many bytes may lie. */
export interface Place {
  /** bytes from the beginning of the image */
  at: number;
  length: number;
}

/** So many bytes before a piece must be looked at again with it: a place may begin in one piece and end in the next. */
export const overlap = 4096;

/** Places in one piece of an image. @param from where the piece begins in the image */
export function placesIn(piece: Buffer, from: number): Place[] {
  const found: Place[] = [];
  for (let at = piece.indexOf(key); at >= 0; at = piece.indexOf(key, at + 1)) {
    const begin = at + key.length;
    let end = begin;
    while (piece[end] === blank) end += 1;
    if (end - begin >= shortestPlace && end < piece.length) found.push({ at: from + begin, length: end - begin });
  }
  return found;
}

/** What lies in a place: the token, and ends of lines up to where the place ends; empty = no token. */
export const filling = (token: string, length: number): Buffer =>
  Buffer.concat([Buffer.from(token), Buffer.alloc(length - Buffer.byteLength(token), '\n')]);

/**
 * Writes a token into a piece of an image as far as its places lie in it.
 * @param from where the piece begins in the image
 * @returns the piece itself where nothing lies in it, else a changed copy
 */
export function filled(piece: Buffer, from: number, places: readonly Place[], token: string): Buffer {
  const touched = places.filter(({ at, length }) => at < from + piece.length && at + length > from);
  if (touched.length === 0) return piece;
  const copy = Buffer.from(piece);
  for (const { at, length } of touched) {
    const text = filling(token, length);
    const skipped = Math.max(0, from - at);
    text.copy(copy, Math.max(0, at - from), skipped);
  }
  return copy;
}
