/** What differs between two states, key by key (containers.md §6). */
import { sameJson, sameManifest } from './json/same.ts';
import type { State } from './model.ts';

/**
 * What became of one key. `moved`: the content is the same, but another container owns it, or none does any more.
 */
export interface KeyChange {
  path: string;
  change: 'added' | 'changed' | 'removed' | 'moved';
  /** Owning container before; absent: the device itself, or the key is new. */
  ownerBefore?: string;
  /** Owning container after; absent: the device itself, or the key is gone. */
  ownerAfter?: string;
}

export interface StateDiff {
  /** JSON first, then objects; within each, keys of the first state in its order, then new keys in the order of the second. */
  keys: KeyChange[];
  /** Containers with a change of any key, and those that come or go; by name, in the order of the changes. */
  containers: { name: string; change: 'added' | 'changed' | 'removed' }[];
}

interface Entry {
  content: string;
  owner?: string;
}

/**
 * Compares two states. Keys that concern tools (`src.json`, `build.json`, `_sigs/…`) are not part of a state and never
 * differ. Inline JSON that is only written in another way does not differ: its readers read JSON. A state that was not written by pvr would
 * otherwise cost a reboot as soon as pvr or a Hub writes it again. For the same reason a null in a manifest does not count: the device
 * takes it as absent, and pvr leaves it out of what it commits (pvr §1.4). A file under `_config/` is read by programs of a container, which
 * may tell null from nothing: there it counts.
 */
export function diffStates(before: State, after: State): StateDiff {
  const keys = [
    ...compare(inlineOf(before), inlineOf(after), objectsOf(before), objectsOf(after), sameInline),
    ...compare(objectsOf(before), objectsOf(after), inlineOf(before), inlineOf(after), sameObject),
  ];
  const was = new Set(before.containers.map(({ name }) => name));
  const is = new Set(after.containers.map(({ name }) => name));
  const touched = new Set<string>();
  for (const { ownerBefore, ownerAfter } of keys) {
    if (ownerBefore !== undefined) touched.add(ownerBefore);
    if (ownerAfter !== undefined) touched.add(ownerAfter);
  }
  // A container whose keys all stay can still come or go: its run.json may lie in a directory of another name.
  for (const name of [...was, ...is]) if (was.has(name) !== is.has(name)) touched.add(name);
  const containers = Array.from(touched, (name) => ({
    name,
    change: was.has(name) ? (is.has(name) ? ('changed' as const) : ('removed' as const)) : ('added' as const),
  }));
  return { keys, containers };
}

const sameInline = (path: string, one: string, other: string) =>
  path.startsWith('_config/') ? sameJson(one, other) : sameManifest(one, other);
const sameObject = (_path: string, one: string, other: string) => one === other;

function inlineOf(state: State): Map<string, Entry> {
  return new Map(state.inline.map(({ path, text, owner }) => [path, entry(text, owner)]));
}

function objectsOf(state: State): Map<string, Entry> {
  return new Map(state.objects.map(({ path, id, owner }) => [path, entry(id, owner)]));
}

function entry(content: string, owner: string | undefined): Entry {
  return owner === undefined ? { content } : { content, owner };
}

/** `otherBefore` and `otherAfter` are the keys of the other kind: a file can turn from JSON into an object. */
function compare(
  before: ReadonlyMap<string, Entry>,
  after: ReadonlyMap<string, Entry>,
  otherBefore: ReadonlyMap<string, Entry>,
  otherAfter: ReadonlyMap<string, Entry>,
  isSame: (path: string, one: string, other: string) => boolean,
): KeyChange[] {
  const changes: KeyChange[] = [];
  for (const [path, old] of before) {
    const same = after.get(path);
    const now = same ?? otherAfter.get(path);
    if (!now) changes.push(keyChange(path, 'removed', old.owner, undefined));
    else if (!same || !isSame(path, old.content, same.content))
      changes.push(keyChange(path, 'changed', old.owner, now.owner));
    else if (same.owner !== old.owner) changes.push(keyChange(path, 'moved', old.owner, now.owner));
  }
  for (const [path, now] of after) {
    if (!before.has(path) && !otherBefore.has(path)) changes.push(keyChange(path, 'added', undefined, now.owner));
  }
  return changes;
}

function keyChange(
  path: string,
  change: KeyChange['change'],
  ownerBefore: string | undefined,
  ownerAfter: string | undefined,
): KeyChange {
  const result: KeyChange = { path, change };
  if (ownerBefore !== undefined) result.ownerBefore = ownerBefore;
  if (ownerAfter !== undefined) result.ownerAfter = ownerAfter;
  return result;
}
