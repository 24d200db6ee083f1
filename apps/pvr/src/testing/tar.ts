/** Writes tar archives member by member, also such as no honest tool writes. */
import { tarEnd, tarPadding } from '../archive/tar.ts';

export interface Member {
  name: string;
  /** Type flag of the header; `0` is a file. */
  type?: string;
  content?: string;
  target?: string;
  mode?: number;
  uid?: number;
  major?: number;
  minor?: number;
}

export function makeTar(members: readonly Member[]): Buffer {
  return Buffer.concat([
    ...members.flatMap((member) => {
      const content = Buffer.from(member.content ?? '');
      return [header(member, content.length), content, tarPadding(content.length)];
    }),
    tarEnd(),
  ]);
}

function header(
  { name, type = '0', target = '', mode = 0o644, uid = 0, major = 0, minor = 0 }: Member,
  size: number,
): Buffer {
  const bytes = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void => {
    bytes.write(value.toString(8).padStart(length - 1, '0'), at, 'ascii');
  };
  bytes.write(name, 0, 100, 'utf8');
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(1_000_000, 136, 12);
  bytes.write('        ', 148, 'ascii');
  bytes.write(type, 156, 'ascii');
  bytes.write(target, 157, 100, 'utf8');
  bytes.write('ustar\u000000', 257, 'latin1');
  octal(major, 329, 8);
  octal(minor, 337, 8);
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
  return bytes;
}
