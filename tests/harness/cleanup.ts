/** What tests make is taken away in the reverse order of making, whatever the test does. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';

type Undo = () => void | Promise<void>;

/** What something is made for and ends with: a test of node:test, or a benchmark. */
export interface Lifetime {
  readonly name: string;
  after(undo: Undo): void;
}

const undos = new WeakMap<Lifetime, Undo[]>();

/** Runs `undo` when the test ends, before everything that was given earlier; node:test itself would run it after. */
export function atEnd(t: Lifetime, undo: Undo): void {
  const list = undos.get(t) ?? [];
  if (!undos.has(t)) {
    undos.set(t, list);
    t.after(async () => {
      for (const step of list.reverse()) await step();
    });
  }
  list.push(undo);
}

/** A temporary directory, by its path without symbolic links, that is removed when the test ends. */
export function temporaryDirectory(t: Lifetime): string {
  const path = realpathSync(mkdtempSync('/tmp/device-test-'));
  atEnd(t, () => rmSync(path, { recursive: true, force: true }));
  return path;
}
