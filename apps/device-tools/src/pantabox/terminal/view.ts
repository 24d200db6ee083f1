/** Things that fill a screen: each draws itself into a room and answers keys. Effects are elsewhere. */
import type { Key } from './keys.ts';
import type { Line, Size } from './screen.ts';

export interface Drawing {
  lines: readonly Line[];
  /** In the room of the view. */
  cursor?: { column: number; row: number };
}

/** What a key did: nothing to be told, or the end of the view with what was chosen; `undefined` in `done` is "back". */
export type Answer<T> = { done: T | undefined } | undefined;

export interface View<T> {
  readonly title: string;
  /** Keys, for the last line, e.g. `Enter choose`. */
  readonly hints: readonly string[];
  draw(room: Size): Drawing;
  press(key: Key, room: Size): Answer<T>;
}

/** The first shown of so many things, so that the chosen one is seen. */
export function scrolled(top: number, chosen: number, count: number, rows: number): number {
  const last = Math.max(0, count - rows);
  return Math.max(0, Math.min(last, chosen < top ? chosen : chosen >= top + rows ? chosen - rows + 1 : top));
}
