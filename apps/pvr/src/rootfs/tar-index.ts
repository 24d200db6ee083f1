/** Reads the members of an uncompressed tar without their contents: ustar, pax and GNU's extensions (pax(1), tar(5)). */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Failure } from '@pantavisor/cli';

export interface TarMember {
  name: string;
  type: 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  size: number;
  /** Where the content starts in the file. */
  offset: number;
  /** Of links. */
  target: string;
  major: number;
  minor: number;
  attributes?: ReadonlyMap<string, string>;
}

const block = 512;
/** Extended headers hold names and attributes; nothing honest makes them larger. */
const extensionLimit = 1024 * 1024;

const types: Readonly<Record<string, TarMember['type']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/**
 * Lists the members of a tar file in their order.
 * @param label names the archive in errors
 * @throws Failure `archive-invalid` for a broken or truncated archive
 */
export function* readTarIndex(path: string, label: string): Generator<TarMember> {
  const file = openSync(path, 'r');
  try {
    yield* read(
      file,
      fstatSync(file).size,
      (reason) => new Failure('archive-invalid', `cannot unpack ${label}: ${reason}`, { exitCode: 3 }),
    );
  } finally {
    closeSync(file);
  }
}

function* read(file: number, length: number, broken: (reason: string) => Failure): Generator<TarMember> {
  const header = Buffer.alloc(block);
  let global = new Map<string, string>();
  let local = new Map<string, string>();
  for (let at = 0; at + block <= length; ) {
    readSync(file, header, 0, block, at);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header, broken, at);
    const declared = readNumber(header, 124, 12);
    const flag = String.fromCharCode(header[156]!);
    const size =
      flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K'
        ? declared
        : Number(local.get('size') ?? global.get('size') ?? declared);
    if (!Number.isSafeInteger(size) || size < 0) throw broken(`the member at byte ${at} has no size`);
    const type = types[flag];
    const hasData = type === undefined || type === 'file';
    const offset = at + block;
    const end = offset + (hasData ? Math.ceil(size / block) * block : 0);
    if (hasData && offset + size > length) throw broken('it ends in the middle of a member');
    if (flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K') {
      if (size > extensionLimit) throw broken(`the header at byte ${at} is larger than ${extensionLimit} bytes`);
      const data = Buffer.alloc(size);
      readSync(file, data, 0, size, offset);
      if (flag === 'L') local.set('path', cString(data));
      else if (flag === 'K') local.set('linkpath', cString(data));
      else if (flag === 'x') local = new Map([...local, ...readRecords(data, broken)]);
      else global = new Map([...global, ...readRecords(data, broken)]);
    } else {
      if (type !== undefined) yield makeMember(header, type, size, offset, new Map([...global, ...local]));
      local = new Map();
    }
    at = end;
  }
}

function makeMember(
  header: Buffer,
  kind: TarMember['type'],
  size: number,
  offset: number,
  extended: ReadonlyMap<string, string>,
): TarMember {
  const ustar = header.toString('latin1', 257, 262) === 'ustar';
  // GNU's own format has other things where ustar keeps a prefix.
  const prefix = ustar && header[262] === 0 ? cString(header.subarray(345, 500)) : '';
  const plain = cString(header.subarray(0, 100));
  const name = extended.get('path') ?? (prefix === '' ? plain : `${prefix}/${plain}`);
  // Before POSIX a directory was a file whose name ends in a slash.
  const type = kind === 'file' && name.endsWith('/') ? 'directory' : kind;
  const attributes = new Map<string, string>();
  for (const [key, value] of extended) if (key.startsWith('SCHILY.xattr.')) attributes.set(key.slice(13), value);
  const number = (key: string, at: number, length: number): number => {
    const value = Number(extended.get(key) ?? readNumber(header, at, length));
    return Number.isFinite(value) ? value : 0;
  };
  return {
    name,
    type,
    mode: readNumber(header, 100, 8) & 0o7777,
    uid: number('uid', 108, 8),
    gid: number('gid', 116, 8),
    mtime: Math.max(0, Math.floor(number('mtime', 136, 12))),
    size: type === 'file' ? size : 0,
    offset,
    target: extended.get('linkpath') ?? cString(header.subarray(157, 257)),
    major: readNumber(header, 329, 8),
    minor: readNumber(header, 337, 8),
    ...(attributes.size > 0 ? { attributes } : {}),
  };
}

function checkSum(header: Buffer, broken: (reason: string) => Failure, at: number): void {
  let sum = 8 * 32;
  for (let index = 0; index < block; index += 1) if (index < 148 || index >= 156) sum += header[index]!;
  if (readNumber(header, 148, 8) !== sum) throw broken(`the header at byte ${at} has a wrong checksum`);
}

function readNumber(header: Buffer, at: number, length: number): number {
  if (header[at]! & 0x80) {
    let value = 0n;
    for (let index = 0; index < length; index += 1)
      value = (value << 8n) | BigInt(index === 0 ? header[at]! & 0x7f : header[at + index]!);
    return Number(value);
  }
  const text = header
    .toString('latin1', at, at + length)
    .replace(/[\0 ].*$/s, (rest) => (/^[\0 ]+[0-7]/.test(rest) ? rest.trim() : ''));
  return text.trim() === '' ? 0 : Number.parseInt(text.trim(), 8);
}

function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
}

/** Records `<length> <key>=<value>\n`. Values of attributes are bytes; latin1 keeps them. */
function readRecords(data: Buffer, broken: (reason: string) => Failure): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : Number(data.toString('latin1', at, space));
    if (!Number.isInteger(length) || length <= space - at || at + length > data.length) {
      if (data.subarray(at).every((byte) => byte === 0)) break;
      throw broken('an extended header is damaged');
    }
    const equals = data.indexOf(0x3d, space);
    if (equals < 0 || equals >= at + length) throw broken('an extended header is damaged');
    const key = data.toString('utf8', space + 1, equals);
    const value = data.subarray(equals + 1, at + length - 1);
    records.set(key, value.toString(key.startsWith('SCHILY.xattr.') ? 'latin1' : 'utf8'));
    at += length;
  }
  return records;
}
