/** Archives for the kernel's initramfs: cpio in the form `newc`, of bytes that depend on the entries alone. */

export type CpioEntry =
  | { kind: 'directory'; mode: number }
  | { kind: 'link'; target: string }
  | { kind: 'file'; mode: number; content: Uint8Array }
  | { kind: 'character-device'; mode: number; major: number; minor: number };

const typeBits: Record<CpioEntry['kind'], number> = {
  directory: 0o040000,
  link: 0o120000,
  file: 0o100000,
  'character-device': 0o020000,
};

const encoder = new TextEncoder();

/** Rounds up to the four bytes that header and content are filled up to. */
const padded = (length: number) => (length + 3) & ~3;

function member(number: number, path: string, entry: CpioEntry | undefined): Uint8Array[] {
  const name = encoder.encode(`${path}\0`);
  const content =
    entry?.kind === 'file' ? entry.content : entry?.kind === 'link' ? encoder.encode(entry.target) : new Uint8Array();
  const mode = entry === undefined ? 0 : typeBits[entry.kind] | (entry.kind === 'link' ? 0o777 : entry.mode);
  const device = entry?.kind === 'character-device' ? entry : { major: 0, minor: 0 };
  // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [
    ...[number, mode, 0, 0, entry?.kind === 'directory' ? 2 : 1, 0, content.length, 0, 0],
    ...[device.major, device.minor, name.length, 0],
  ];
  const header = encoder.encode(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  const front = new Uint8Array(padded(header.length + name.length));
  front.set(header);
  front.set(name, header.length);
  const tail = new Uint8Array(padded(content.length) - content.length);
  return [front, content, tail];
}

const nameFirst = (path: string) => `${path.slice(path.lastIndexOf('/') + 1)}\0${path}`;

/**
 * Writes an archive: everything belongs to root and is from the beginning of time.
 * @param entries by path without a leading slash; parents that are not named are added as directories of mode 0755. Directories come first;
 *   everything else is sorted by its name, so that a program lies near a library that has the same code, where a compressor finds it
 * @returns the archive, filled up to 512 bytes, uncompressed
 * @throws Error for a path that is not plain
 * @see kernel documentation, driver-api/early-userspace/buffer-format
 */
export function cpioArchive(entries: ReadonlyMap<string, CpioEntry>): Uint8Array {
  const all = new Map(entries);
  for (const path of entries.keys()) {
    if (path === '' || path.split('/').some((part) => part === '' || part === '.' || part === '..'))
      throw new Error(`cannot put ${JSON.stringify(path)} into a cpio archive: not a plain relative path`);
    for (let cut = path.indexOf('/'); cut > 0; cut = path.indexOf('/', cut + 1)) {
      const parent = path.slice(0, cut);
      if (!all.has(parent)) all.set(parent, { kind: 'directory', mode: 0o755 });
    }
  }
  // Sorted, a directory comes before what is in it.
  const isDirectory = ([, { kind }]: [string, CpioEntry]) => kind === 'directory';
  const sorted = [
    ...[...all].filter(isDirectory).sort(([a], [b]) => (a < b ? -1 : 1)),
    ...[...all].filter((entry) => !isDirectory(entry)).sort(([a], [b]) => (nameFirst(a) < nameFirst(b) ? -1 : 1)),
  ];
  const pieces = sorted.flatMap(([path, entry], index) => member(index + 1, path, entry));
  pieces.push(...member(0, 'TRAILER!!!', undefined));
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const archive = new Uint8Array((length + 511) & ~511);
  let offset = 0;
  for (const piece of pieces) {
    archive.set(piece, offset);
    offset += piece.length;
  }
  return archive;
}
