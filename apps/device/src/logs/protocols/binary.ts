/** The binary protocol: `int32 code, int32 length, bytes` in the machine's byte order, which is little-endian here (logs.md §2). */
import type { Parsed } from '../entry.ts';

/** Codes of the first word. */
export const codes = { legacy: 0, command: 256 } as const;
export const headerLength = 8;

/** Commands that the original's processes send each other. */
export const commands: Readonly<Record<number, string>> = {
  1: 'exit',
  2: 'start update',
  3: 'stop update',
  4: 'transition',
};

export interface BinaryHeader {
  code: 0 | 256;
  /** Bytes that follow the header. */
  length: number;
}

/** The header, when these bytes begin with one. Undefined: too short, or another protocol. */
export function readHeader(bytes: Uint8Array): BinaryHeader | undefined {
  if (bytes.length < headerLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const code = view.getInt32(0, true);
  const length = view.getInt32(4, true);
  return (code === codes.legacy || code === codes.command) && length >= 0 ? { code, length } : undefined;
}

/** Reads `level\0platform\0source\0data`; data is the rest, as bytes. */
export function parseLegacy(body: Uint8Array, decode: (bytes: Uint8Array) => string): Parsed {
  const fields: string[] = [];
  let start = 0;
  while (fields.length < 3) {
    const end = body.indexOf(0, start);
    if (end < 0) return { ok: false, reason: `a separator is missing after ${fields.length} of 3 fields` };
    fields.push(decode(body.subarray(start, end)));
    start = end + 1;
  }
  const [level = '', platform = '', source = ''] = fields;
  if (!/^\d{1,3}$/.test(level)) return { ok: false, reason: `${JSON.stringify(level.slice(0, 20))} is no level` };
  return { ok: true, message: { protocol: 'legacy', level: Number(level), platform, source, data: body.slice(start) } };
}

/** Reads `{"code":N,"data":"…"}`. */
export function parseCommand(text: string): { code: number; name: string; data: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('code' in value) || typeof value.code !== 'number')
    return undefined;
  const name = commands[value.code];
  const data = 'data' in value && typeof value.data === 'string' ? value.data : '';
  return name === undefined ? undefined : { code: value.code, name, data };
}

/** A legacy message as bytes. */
export function encodeLegacy(
  message: { level: number; platform: string; source: string; data: Uint8Array },
  encode: (text: string) => Uint8Array,
): Uint8Array {
  const head = encode(`${message.level}\0${message.platform}\0${message.source}\0`);
  const bytes = new Uint8Array(headerLength + head.length + message.data.length);
  new DataView(bytes.buffer).setInt32(4, head.length + message.data.length, true);
  bytes.set(head, headerLength);
  bytes.set(message.data, headerLength + head.length);
  return bytes;
}
