/**
 * What survives when the power goes: every change of content that was not synced may be whole, lost, torn at a sector or
 * present as zeros, independent of the others. Storage writes 512-byte sectors whole or not at all.
 */
import type { Choose } from './random.ts';

export const sectorSize = 512;

/** A change of a file's content that is not yet durable. */
export type ContentChange = { kind: 'write'; offset: number; data: Uint8Array } | { kind: 'truncate'; size: number };

/** Content after a change; the old array is left alone. */
export function applyChange(content: Uint8Array, change: ContentChange): Uint8Array {
  if (change.kind === 'truncate') {
    const cut = new Uint8Array(change.size);
    cut.set(content.subarray(0, change.size));
    return cut;
  }
  if (change.offset === 0 && change.data.length >= content.length) return change.data.slice();
  const next = new Uint8Array(Math.max(content.length, change.offset + change.data.length));
  next.set(content);
  next.set(change.data, change.offset);
  return next;
}

/** The part of a write that lies in sectors `from` to `to - 1`, counted from the write's own first sector. */
function sectors(change: { offset: number; data: Uint8Array }, from: number, to: number): ContentChange {
  const first = Math.floor(change.offset / sectorSize);
  const start = Math.max(0, (first + from) * sectorSize - change.offset);
  const end = Math.min(change.data.length, (first + to) * sectorSize - change.offset);
  return { kind: 'write', offset: change.offset + start, data: change.data.subarray(start, end) };
}

function tornWrite(content: Uint8Array, change: { offset: number; data: Uint8Array }, choose: Choose): Uint8Array {
  const first = Math.floor(change.offset / sectorSize);
  const count = Math.floor((change.offset + change.data.length - 1) / sectorSize) - first + 1;
  const whole: ContentChange = { kind: 'write', ...change };
  const grows = change.offset + change.data.length > content.length;
  // Metadata may reach the disk before data: the new length is there and the new sectors read as zeros.
  const outcomes = ['lost', 'whole', ...(grows ? ['zeros'] : []), ...(count > 1 ? ['head', 'tail'] : [])];
  switch (outcomes[choose(outcomes.length)]) {
    case 'whole':
      return applyChange(content, whole);
    case 'zeros':
      return applyChange(content, { kind: 'truncate', size: change.offset + change.data.length });
    case 'head':
      return applyChange(content, sectors(change, 0, 1 + choose(count - 1)));
    case 'tail': {
      const kept = applyChange(content, sectors(change, 1 + choose(count - 1), count));
      return kept;
    }
    default:
      return content;
  }
}

/** One legal content of a file after a power cut. */
export function survivingContent(durable: Uint8Array, pending: readonly ContentChange[], choose: Choose): Uint8Array {
  let content = durable;
  for (const change of pending) {
    if (change.kind === 'truncate') content = choose(2) === 1 ? applyChange(content, change) : content;
    else if (change.data.length > 0) content = tornWrite(content, change, choose);
  }
  return content;
}

/** One entry of one directory, set to an inode or removed (`inode` undefined). */
export interface EntryEffect {
  directory: number;
  name: string;
  inode: number | undefined;
}

/** A change of directories that reaches the disk whole or not at all: one effect, or two for a rename. */
export interface EntryChange {
  effects: EntryEffect[];
}

/**
 * Takes out of `pending` what a sync of `directory` makes durable, in order. A rename into the directory leaves its removal in the other one
 * pending; a rename out of it becomes durable whole, since no file system forgets a renamed file.
 */
export function takeDurableEntries(pending: EntryChange[], directory: number): EntryEffect[] {
  const durable: EntryEffect[] = [];
  const left: EntryChange[] = [];
  for (const change of pending) {
    const leaves = change.effects.some((effect) => effect.directory === directory && effect.inode === undefined);
    const now = leaves ? change.effects : change.effects.filter((effect) => effect.directory === directory);
    durable.push(...now);
    for (const effect of now) forgetEarlier(left, effect);
    const rest = change.effects.filter((effect) => !now.includes(effect));
    if (rest.length > 0) left.push({ effects: rest });
  }
  pending.splice(0, pending.length, ...left);
  return durable;
}

function forgetEarlier(changes: EntryChange[], durable: EntryEffect): void {
  for (const change of changes)
    change.effects = change.effects.filter(
      (effect) => effect.directory !== durable.directory || effect.name !== durable.name,
    );
}

/** The entry changes that survive a power cut: any of those not synced, in their order. */
export function survivingEntries(pending: readonly EntryChange[], choose: Choose): EntryEffect[] {
  return pending.flatMap((change) => (change.effects.length > 0 && choose(2) === 1 ? change.effects : []));
}
