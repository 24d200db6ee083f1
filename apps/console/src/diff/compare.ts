import { diffStates, type KeyChange, listParts, planTransition, type Transition } from '@pantavisor/state';
import { readState, stateText } from '../device/outline.ts';

type JsonMap = Record<string, unknown>;

/** Sizes of objects by key of a state; JSON has none. */
export type Sizes = ReadonlyMap<string, number>;

/** One side of a comparison. */
export interface Side {
  state: JsonMap;
  sizes: Sizes;
}

export interface FileChange {
  key: string;
  change: KeyChange['change'];
  /** bytes; absent where the file is not, or its size is not known */
  sizeBefore?: number;
  sizeAfter?: number;
}

export interface PartChange {
  name: string;
  kind: 'bsp' | 'container' | 'directory' | 'root';
  change: 'added' | 'removed' | 'changed';
  files: FileChange[];
}

export interface Comparison {
  parts: PartChange[];
  /** bytes that a device on `before` fetches for `after` */
  download: number;
  /** undefined when a device would refuse one of the two */
  transition: Transition | undefined;
}

const idOf = (state: JsonMap, key: string): string =>
  key.endsWith('.json') || key === '#spec' ? '' : String(state[key]);

function sizeOf({ state, sizes }: Side, key: string): number | undefined {
  if (!Object.hasOwn(state, key)) return undefined;
  return idOf(state, key) === '' ? JSON.stringify(state[key]).length : sizes.get(key);
}

/** Keys that differ, also where a state cannot be read as a whole. */
function changedKeys(before: Side, after: Side): { key: string; change: KeyChange['change'] }[] {
  const keys = [...new Set([...Object.keys(before.state), ...Object.keys(after.state)])];
  return keys.flatMap((key): { key: string; change: KeyChange['change'] }[] => {
    const [was, is] = [Object.hasOwn(before.state, key), Object.hasOwn(after.state, key)];
    if (was && is)
      return JSON.stringify(before.state[key]) === JSON.stringify(after.state[key]) ? [] : [{ key, change: 'changed' }];
    return [{ key, change: was ? 'removed' : 'added' }];
  });
}

function downloadSize(before: Side, after: Side): number {
  const held = new Set(Object.keys(before.state).map((key) => idOf(before.state, key)));
  const wanted = new Map<string, number>();
  for (const key of Object.keys(after.state)) {
    const id = idOf(after.state, key);
    if (id !== '' && !held.has(id)) wanted.set(id, after.sizes.get(key) ?? 0);
  }
  return [...wanted.values()].reduce((sum, size) => sum + size, 0);
}

/** Compares two states: parts, files in them, and what a device would do. */
export function compareStates(before: Side, after: Side): Comparison {
  const readBefore = readState(before.state).state;
  const readAfter = readState(after.state).state;
  const moved =
    readBefore === undefined || readAfter === undefined
      ? []
      : diffStates(readBefore, readAfter).keys.filter(({ change }) => change === 'moved');
  const changes = [
    ...changedKeys(before, after),
    ...moved.map(({ path }) => ({ key: path, change: 'moved' as const })),
  ];
  const partsBefore = listParts(stateText(before.state));
  const partsAfter = listParts(stateText(after.state));
  const parts = new Map<string, PartChange>();
  for (const { key, change } of changes) {
    const has = ({ keys, config, signature }: (typeof partsBefore)[number]) =>
      keys.includes(key) || config.includes(key) || signature === key;
    const is = partsAfter.find(has);
    const was = partsBefore.find(has);
    const { name = '', kind = 'root' } = is ?? was ?? {};
    const known = parts.get(name);
    const part = known ?? {
      name,
      kind,
      change: partsAfter.some((one) => one.name === name)
        ? partsBefore.some((one) => one.name === name)
          ? 'changed'
          : 'added'
        : 'removed',
      files: [],
    };
    const sizeBefore = sizeOf(before, key);
    const sizeAfter = sizeOf(after, key);
    part.files.push({
      key,
      change,
      ...(sizeBefore === undefined ? {} : { sizeBefore }),
      ...(sizeAfter === undefined ? {} : { sizeAfter }),
    });
    parts.set(name, part);
  }
  return {
    parts: [...parts.values()],
    download: downloadSize(before, after),
    transition: readBefore === undefined || readAfter === undefined ? undefined : planTransition(readBefore, readAfter),
  };
}

export interface MemberChange {
  /** names from the root of the document, e.g. `volumes / 0` */
  path: string;
  before?: string;
  after?: string;
}

/** Members that differ between two JSON values, leaf by leaf, in the order of the first, then of the second. */
export function compareJson(before: unknown, after: unknown, path: readonly string[] = []): MemberChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const isMap = (value: unknown): value is JsonMap => typeof value === 'object' && value !== null;
  if (isMap(before) && isMap(after) && Array.isArray(before) === Array.isArray(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => compareJson(before[name], after[name], [...path, name]));
  }
  const text = (value: unknown) => JSON.stringify(value, undefined, 1);
  return [
    {
      path: path.join(' / ') || '/',
      ...(before === undefined ? {} : { before: text(before) }),
      ...(after === undefined ? {} : { after: text(after) }),
    },
  ];
}
