/** `key=value` entries that end in a zero byte, the way U-Boot keeps an environment (updates.md §6.1). */
import type { TextCoding } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';

export interface Entry {
  key: string;
  value: string;
}

/** Longest `key=value` that boot scripts and the original take, in bytes. */
export const longestEntry = 127;

const erased = 0xff;

/**
 * Reads entries up to the first empty one, to erased flash, or to the end of the bytes; what has no `=` or no key is left out.
 * Keys are whole: `pv_try` is not `pv_trying`. Of a key that is there twice the first counts.
 */
export function parseEntries(bytes: Uint8Array, text: TextCoding): Entry[] {
  const entries: Entry[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < bytes.length; ) {
    const zero = bytes.indexOf(0, at);
    const end = zero < 0 ? bytes.length : zero;
    if (end === at || (bytes[at] === erased && (bytes[at + 1] ?? erased) === erased)) break;
    const entry = text.decode(bytes.subarray(at, end));
    const separator = entry.indexOf('=');
    const key = entry.slice(0, Math.max(0, separator));
    if (key !== '' && !seen.has(key)) entries.push({ key, value: entry.slice(separator + 1) });
    seen.add(key);
    at = end + 1;
  }
  return entries;
}

/**
 * Entries as bytes with the final empty one, padded with zeros.
 * Fails with `boot-env-full` when they do not fit into `limit` bytes of a block of `size`, `boot-env-value` for what cannot be stored.
 */
export function formatEntries(entries: readonly Entry[], size: number, limit: number, text: TextCoding): Uint8Array {
  for (const { key, value } of entries) checkEntry(key, value);
  const bytes = text.encode(entries.map(({ key, value }) => `${key}=${value}\0`).join(''));
  if (bytes.length + 1 > limit)
    throw new Failure('boot-env-full', `cannot store ${bytes.length} bytes in the boot environment of ${limit}`, {
      hint: 'remove entries that nothing needs',
    });
  const block = new Uint8Array(size);
  block.set(bytes);
  return block;
}

/** Refuses keys and values that would read back as something else. */
export function checkEntry(key: string, value: string): void {
  if (key === '' || /[=\0]/.test(key) || /\0/.test(value))
    throw new Failure('boot-env-value', `cannot store "${key}" = "${value}" in the boot environment`, {
      hint: 'keys have no "=", and neither keys nor values have zero bytes',
    });
}

/** Refuses a revision name that boot scripts could not carry: too long, or with white space that would end a kernel argument. */
export function checkBootRevision(revision: string): void {
  if (revision === '' || /[\s\0"'\\$;&|<>()`#%]/.test(revision) || revision.length > longestEntry - 'pv_trying='.length)
    throw new Failure('boot-revision-name', `cannot hand the revision name "${revision}" to a boot loader`, {
      hint: 'use letters, digits, and -_./ only, at most 117 characters',
    });
}

export function entryValue(entries: readonly Entry[], key: string): string | undefined {
  return entries.find((entry) => entry.key === key)?.value;
}

/** Sets or removes (undefined) values; entries that are there keep their place, new ones come last. */
export function withValues(entries: readonly Entry[], values: Record<string, string | undefined>): Entry[] {
  const kept = entries.flatMap(({ key, value }) => {
    if (!Object.hasOwn(values, key)) return [{ key, value }];
    const next = values[key];
    return next === undefined ? [] : [{ key, value: next }];
  });
  const known = new Set(entries.map(({ key }) => key));
  const added = Object.entries(values).flatMap(([key, value]) =>
    value === undefined || known.has(key) ? [] : [{ key, value }],
  );
  return [...kept, ...added];
}
