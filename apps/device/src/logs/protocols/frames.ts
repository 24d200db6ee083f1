/** Where one message ends in the bytes of a connection, and which protocol it speaks (logs.md §2). */
import type { Parsed } from '../entry.ts';
import { type BinaryHeader, codes, headerLength, parseCommand, parseLegacy, readHeader } from './binary.ts';
import { parseJson } from './json.ts';
import { parseKeyValue } from './key-value.ts';
import { isSyslog, parseSyslog } from './syslog.ts';

const [lessThan, openBrace, openBracket, closeBrace, closeBracket] = [0x3c, 0x7b, 0x5b, 0x7d, 0x5d];
const blanks = [0x20, 0x09, 0x0a, 0x0d, 0x00];

/** The next message of a connection. */
export type Frame =
  /** More bytes are needed before anything can be said. */
  | { kind: 'incomplete' }
  /** A message; `more`: others may follow on the same connection. */
  | { kind: 'message'; bytes: Uint8Array; rest: Uint8Array; more: boolean };

/**
 * Cuts the first message off. A binary message has a length, JSON is whole when it can be parsed, syslog ends at a NUL when there is
 * one; everything else is what one read brought.
 * @param last nothing more comes: what is there has to do
 */
export function nextFrame(bytes: Uint8Array, last: boolean, decode: (bytes: Uint8Array) => string): Frame {
  const whole: Frame = { kind: 'message', bytes, rest: bytes.subarray(bytes.length), more: false };
  const [first] = bytes;
  if (first === undefined) return { kind: 'incomplete' };
  if (first === lessThan) {
    const end = bytes.indexOf(0);
    if (end < 0) return whole;
    return { kind: 'message', bytes: bytes.subarray(0, end), rest: bytes.subarray(end + 1), more: true };
  }
  if (last) return whole;
  if (first === openBrace || first === openBracket) return isWholeJson(bytes, decode) ? whole : { kind: 'incomplete' };
  if (!mayBeBinary(bytes)) return whole;
  const header = readHeader(bytes);
  if (header === undefined) return bytes.length < headerLength ? { kind: 'incomplete' } : whole;
  return bytes.length < headerLength + header.length ? { kind: 'incomplete' } : whole;
}

/** The first word is, as far as it is there, 0 or 256. */
function mayBeBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 4).every((byte, index) => byte === 0 || (index === 1 && byte === 1));
}

function isWholeJson(bytes: Uint8Array, decode: (bytes: Uint8Array) => string): boolean {
  let end = bytes.length;
  while (end > 0 && blanks.includes(bytes[end - 1] ?? 0)) end -= 1;
  const closing = bytes[end - 1];
  if (closing !== closeBrace && closing !== closeBracket) return false;
  try {
    JSON.parse(decode(bytes.subarray(0, end)));
    return true;
  } catch {
    return false;
  }
}

/** What a message says: an entry for the log, or a command. */
export type Said = Parsed | { ok: true; command: { code: number; name: string; data: string } };

/**
 * Reads a message of any protocol; the first that it looks like counts.
 * @param now Unix milliseconds
 */
export function parseMessage(bytes: Uint8Array, now: number, decode: (bytes: Uint8Array) => string): Said {
  const header = mayBeBinary(bytes) ? readHeader(bytes) : undefined;
  if (header !== undefined)
    return parseBinary(header, bytes.subarray(headerLength, headerLength + header.length), decode);
  const text = decode(bytes).replace(/\0+$/, '');
  if (isSyslog(text)) return parseSyslog(text, now);
  if (/^\s*[{[]/.test(text)) return parseJson(text);
  return parseKeyValue(text);
}

function parseBinary(header: BinaryHeader, body: Uint8Array, decode: (bytes: Uint8Array) => string): Said {
  if (body.length < header.length)
    return { ok: false, reason: `${header.length - body.length} of its bytes are missing` };
  if (header.code === codes.legacy) return parseLegacy(body, decode);
  const command = parseCommand(decode(body));
  return command === undefined ? { ok: false, reason: 'it is no command' } : { ok: true, command };
}
