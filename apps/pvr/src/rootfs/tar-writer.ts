/** Writes a tree as a tar stream, in the order of the names: pax headers where ustar has no room. */
import { closeSync, openSync, readSync } from 'node:fs';
import { Failure } from '@pantavisor/cli';
import { tarEnd, tarPadding } from '../archive/tar.ts';
import type { Content, Inode, RootTree } from './tree.ts';

const block = 512;
const pieceBytes = 512 * 1024;
const flags: Readonly<Record<Inode['type'], string>> = {
  file: '0',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/** The members of a tree. Names that share an inode become hard links to the first of them. */
export async function* writeTar(tree: RootTree): AsyncGenerator<Uint8Array> {
  const first = new Map<Inode, string>();
  const files = new OpenFiles();
  let small: Uint8Array[] = [];
  let size = 0;
  try {
    for (const [name, { inode }] of tree.entries()) {
      const target = inode.type === 'directory' ? undefined : first.get(inode);
      if (target === undefined) first.set(inode, name);
      const head = header(name, inode, target);
      const add = (piece: Uint8Array): void => {
        small.push(piece);
        size += piece.length;
      };
      for (const piece of head) add(piece);
      if (target === undefined && inode.type === 'file' && inode.size > 0) {
        for (const piece of files.read(inode.content!, inode.size, name)) {
          add(piece);
          if (size >= pieceBytes) {
            yield Buffer.concat(small);
            [small, size] = [[], 0];
          }
        }
        add(tarPadding(inode.size));
      }
      if (size >= pieceBytes) {
        yield Buffer.concat(small);
        [small, size] = [[], 0];
      }
    }
    yield Buffer.concat([...small, tarEnd()]);
  } finally {
    files.close();
  }
}

/** Most contents lie in a few files, the layers; they stay open. */
class OpenFiles {
  readonly #open = new Map<string, number>();

  *read({ path, offset }: Content, size: number, name: string): Generator<Uint8Array> {
    let file = this.#open.get(path);
    if (file === undefined) {
      if (this.#open.size >= 32) this.close();
      file = openSync(path, 'r');
      this.#open.set(path, file);
    }
    for (let at = 0; at < size; ) {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, size - at));
      const got = readSync(file, piece, 0, piece.length, offset + at);
      if (got === 0)
        throw new Failure('file-changing', `cannot pack ${name}: ${path} became shorter while it was read`, {
          exitCode: 3,
        });
      yield piece.subarray(0, got);
      at += got;
    }
  }

  close(): void {
    for (const file of this.#open.values()) closeSync(file);
    this.#open.clear();
  }
}

function* header(name: string, inode: Inode, linkTo: string | undefined): Generator<Uint8Array> {
  const shown = inode.type === 'directory' ? `${name}/` : name;
  const target = linkTo ?? inode.target ?? '';
  const records: [string, Buffer][] = [];
  if (Buffer.byteLength(shown) > 100) records.push(['path', Buffer.from(shown)]);
  if (Buffer.byteLength(target) > 100) records.push(['linkpath', Buffer.from(target)]);
  if (inode.uid > 0o7777777) records.push(['uid', Buffer.from(String(inode.uid))]);
  if (inode.gid > 0o7777777) records.push(['gid', Buffer.from(String(inode.gid))]);
  if (inode.size > 0o77777777777) records.push(['size', Buffer.from(String(inode.size))]);
  for (const [key, value] of inode.attributes ?? [])
    records.push([`SCHILY.xattr.${key}`, Buffer.from(value, 'latin1')]);
  if (records.length > 0) {
    const data = Buffer.concat(records.map(([key, value]) => record(key, value)));
    yield plainHeader('pax', { ...inode, mode: 0o644, size: data.length }, 'x', '');
    yield data;
    yield tarPadding(data.length);
  }
  const hasData = linkTo === undefined && inode.type === 'file';
  yield plainHeader(
    shown,
    { ...inode, size: hasData ? inode.size : 0 },
    linkTo === undefined ? flags[inode.type] : '1',
    target,
  );
}

/** `<length> <key>=<value>\n`, the length counting its own digits. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

function plainHeader(name: string, inode: Inode, flag: string, target: string): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, length: number): void => {
    const most = 8 ** (length - 1) - 1;
    bytes.write(
      Math.min(value, most)
        .toString(8)
        .padStart(length - 1, '0'),
      at,
      'ascii',
    );
  };
  Buffer.from(name).copy(bytes, 0, 0, 100);
  octal(inode.mode, 100, 8);
  octal(inode.uid, 108, 8);
  octal(inode.gid, 116, 8);
  octal(inode.size, 124, 12);
  octal(inode.mtime, 136, 12);
  bytes.write('        ', 148, 'ascii');
  bytes.write(flag, 156, 'ascii');
  Buffer.from(target).copy(bytes, 157, 0, 100);
  bytes.write('ustar\u000000', 257, 'latin1');
  octal(inode.major ?? 0, 329, 8);
  octal(inode.minor ?? 0, 337, 8);
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
  return bytes;
}
