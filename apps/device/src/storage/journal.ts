/** The file that keeps the plan of the update in hand. The engine says what it holds and what a start makes of it. */
import { type Journal, journalText, parseJournal } from '@pantavisor/engine';
import type { Files } from '../host/ports.ts';
import { readIfThere, removeDurable, writeDurable } from './durable.ts';
import type { StorageLayout } from './layout.ts';

const journalLimit = 65536;

/** Cut: the earlier journal or this one. */
export function writeJournal(files: Files, layout: StorageLayout, journal: Journal): Promise<void> {
  return writeDurable(files, layout.journal, journalText(journal));
}

/** Cut: the journal is there or not. */
export function removeJournal(files: Files, layout: StorageLayout): Promise<void> {
  return removeDurable(files, layout.journal);
}

/** The journal, or undefined when there is none, or something that is none. */
export async function readJournal(files: Files, layout: StorageLayout): Promise<Journal | undefined> {
  const text = await readIfThere(files, layout.journal, journalLimit);
  return text === undefined ? undefined : parseJournal(text);
}
