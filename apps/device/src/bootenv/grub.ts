/** The boot environment of GRUB: `<S>/boot/grubenv`, 1024 bytes of lines (updates.md §6.2; GRUB manual, "Environment block"). */
import type { Files, TextCoding } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { readBlock, writeBlock } from './block-file.ts';
import { checkBootRevision, checkEntry, type Entry, entryValue, withValues } from './entries.ts';
import { type BootEnvironment, bootKeys, storedIn } from './port.ts';

const size = 1024;
const header = '# GRUB Environment Block\n';
const padding = 0x23;

/** An environment block: the lines that are comments, kept as they are, and the variables. */
export interface GrubBlock {
  comments: string[];
  entries: Entry[];
}

/**
 * Reads a block. A backslash keeps the byte after it from being special, so values may have line breaks.
 * @returns undefined when it is not one: GRUB would refuse it too
 */
export function parseGrubBlock(bytes: Uint8Array, text: TextCoding): GrubBlock | undefined {
  const content = text.decode(bytes);
  if (!content.startsWith(header)) return undefined;
  const comments: string[] = [];
  const entries: Entry[] = [];
  const seen = new Set<string>();
  for (const line of logicalLines(content.slice(header.length))) {
    const separator = line.indexOf('=');
    if (line.startsWith('#')) comments.push(line);
    else if (separator > 0) {
      const key = line.slice(0, separator);
      const value = line.slice(separator + 1).replace(/\\([\s\S])/g, '$1');
      if (!seen.has(key)) entries.push({ key, value });
      seen.add(key);
    }
  }
  return { comments, entries };
}

/** Lines that end, without their line breaks; a break after a backslash belongs to the line. What follows the last one is padding. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '\n') {
      lines.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return lines;
}

/** Fails with `boot-env-full` when the variables do not fit, `boot-env-value` for a key that GRUB could not read. */
export function formatGrubBlock({ comments, entries }: GrubBlock, text: TextCoding): Uint8Array {
  const lines = entries.map(({ key, value }) => {
    checkEntry(key, value);
    if (/[\s\\#]/.test(key))
      throw new Failure('boot-env-value', `cannot store the variable "${key}" for GRUB`, {
        hint: 'names of variables have no white space, "#" or backslash',
      });
    return `${key}=${value.replace(/[\\\n]/g, '\\$&')}\n`;
  });
  const bytes = text.encode(header + comments.map((line) => `${line}\n`).join('') + lines.join(''));
  if (bytes.length > size)
    throw new Failure('boot-env-full', `cannot store ${bytes.length} bytes in GRUB's environment block of ${size}`, {
      hint: 'remove variables that nothing needs, with grub-editenv unset',
    });
  const block = new Uint8Array(size).fill(padding);
  block.set(bytes);
  return block;
}

/**
 * The environment in a file. A file that is no environment block is replaced by an empty one at the first change, since GRUB ignores it anyway.
 * GRUB's script remembers what it has tried in the same block (`pv_trying`); arming and committing forget that, so that a revision can be
 * tried again.
 */
export function grubEnvironment(options: { files: Files; text: TextCoding; path: string }): BootEnvironment {
  const { files, text, path } = options;

  async function current(): Promise<GrubBlock> {
    const bytes = await readBlock(files, path);
    return (bytes && parseGrubBlock(bytes, text)) ?? { comments: [], entries: [] };
  }

  async function set(values: Record<string, string | undefined>): Promise<void> {
    const { comments, entries } = await current();
    await writeBlock(files, path, formatGrubBlock({ comments, entries: withValues(entries, values) }, text));
  }

  return {
    read: async () => storedIn((await current()).entries),
    install: async () => {},
    armTry: async (revision) => {
      checkBootRevision(revision);
      await set({ [bootKeys.trying]: revision, [bootKeys.tried]: undefined });
    },
    clearTry: async () => {
      if (entryValue((await current()).entries, bootKeys.trying) !== undefined)
        await set({ [bootKeys.trying]: undefined });
    },
    commit: async (revision) => {
      checkBootRevision(revision);
      await set({ [bootKeys.committed]: revision, [bootKeys.trying]: undefined, [bootKeys.tried]: undefined });
    },
  };
}
