import { Readable } from 'node:stream';
import { extract } from 'tar-stream';

/** Content of a tar archive by name of entry, in its order. */
export async function readArchive(bytes: Buffer): Promise<Record<string, string>> {
  const entries: Record<string, string> = {};
  for await (const entry of Readable.from([bytes]).pipe(extract())) {
    const pieces: Uint8Array[] = [];
    for await (const piece of entry) pieces.push(piece as Uint8Array);
    entries[entry.header.name] = Buffer.concat(pieces).toString();
  }
  return entries;
}
