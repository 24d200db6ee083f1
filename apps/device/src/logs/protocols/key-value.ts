/** Messages as `level=… src=… message="…"` (logs.md §2). */
import { type Parsed, parseLevel } from '../entry.ts';

const keys = ['level', 'src', 'message'] as const;
type Key = (typeof keys)[number];
/** Key, and a value in double quotes, in which a backslash keeps the next character from ending it, or up to the next blank. */
const pair = /\s*([^\s=]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s"]\S*))/y;

const isKey = (text: string): text is Key => keys.some((key) => key === text);

/** Reads a message. What follows the three keys is ignored; anything else before them is refused. */
export function parseKeyValue(text: string): Parsed {
  const found = new Map<Key, string>();
  pair.lastIndex = 0;
  while (found.size < keys.length) {
    const match = pair.exec(text);
    const [, key = '', quoted, plain] = match ?? [];
    if (match === null || !isKey(key)) {
      const missing = keys.filter((name) => !found.has(name));
      return { ok: false, reason: `${missing.join(', ')} must come before anything else` };
    }
    found.set(key, quoted ?? plain ?? '');
  }
  const level = found.get('level') ?? '';
  const number = parseLevel(level);
  if (number === undefined) return { ok: false, reason: `${JSON.stringify(level.slice(0, 20))} is no level` };
  const [source, data] = [found.get('src') ?? '', found.get('message') ?? ''];
  return { ok: true, message: { protocol: 'key-value', level: number, source, data } };
}
