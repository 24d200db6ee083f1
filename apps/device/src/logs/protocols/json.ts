/** Messages as one JSON object: `version` 0, `level`, `src` and `message` (logs.md §2). */
import { type Parsed, parseLevel } from '../entry.ts';

const refuse = (reason: string): Parsed => ({ ok: false, reason });

/** Reads a message. Other members are ignored. */
export function parseJson(text: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`it is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('it is no JSON object');
  const members: { version?: unknown; level?: unknown; src?: unknown; message?: unknown } = value;
  const { version, level, src, message } = members;
  if (!(typeof version === 'string' || typeof version === 'number') || !String(version).startsWith('0'))
    return refuse('"version" must be 0');
  if (typeof level !== 'string') return refuse('"level" must be a text');
  const number = parseLevel(level);
  if (number === undefined) return refuse(`${JSON.stringify(level.slice(0, 20))} is no level`);
  if (typeof src !== 'string') return refuse('"src" must be a text');
  if (typeof message !== 'string') return refuse('"message" must be a text');
  return { ok: true, message: { protocol: 'json', level: number, source: src, data: message } };
}
