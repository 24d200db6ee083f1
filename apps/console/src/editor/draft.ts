/** Changes of a revision that are not deployed yet, as data. */

type JsonMap = Record<string, unknown>;

/** What is put in the place of a file. */
export type Change =
  /** JSON that is part of the state; `value` is that of the last text that could be read */
  | { kind: 'json'; text: string; value: unknown }
  /** content of an object, with its SHA-256 */
  | { kind: 'object'; sha: string; content: Uint8Array<ArrayBuffer>; text?: string }
  | { kind: 'removed' };

export interface Draft {
  base: JsonMap;
  changes: ReadonlyMap<string, Change>;
}

export const isJsonKey = (key: string): boolean => key.endsWith('.json');

/** Text of a JSON file for people. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** The state with its changes; keys in the order of code points, as the hub stores them. */
export function applyDraft({ base, changes }: Draft): JsonMap {
  const state: JsonMap = { ...base };
  for (const [key, change] of changes) {
    if (change.kind === 'removed') delete state[key];
    else state[key] = change.kind === 'json' ? change.value : change.sha;
  }
  return Object.fromEntries(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What became of a key. */
export function changeOf({ base, changes }: Draft, key: string): 'added' | 'changed' | 'removed' | undefined {
  const change = changes.get(key);
  if (change === undefined) return undefined;
  if (change.kind === 'removed') return 'removed';
  return Object.hasOwn(base, key) ? 'changed' : 'added';
}

/** Puts a change in place; one that changes nothing takes an earlier one away. */
export function withChange(draft: Draft, key: string, change: Change | undefined): Draft {
  const changes = new Map(draft.changes);
  const before = draft.base[key];
  const same =
    change === undefined ||
    (change.kind === 'removed' && before === undefined) ||
    (change.kind === 'json' && before !== undefined && change.text === jsonText(before)) ||
    (change.kind === 'object' && change.sha === before);
  if (same) changes.delete(key);
  else changes.set(key, change);
  return { base: draft.base, changes };
}

/** Takes every key of an app away: its directory, its configuration and its signature. */
export function withoutApp(draft: Draft, app: string): Draft {
  const all = [...Object.keys(draft.base), ...draft.changes.keys()];
  const mine = all.filter(
    (key) => key.startsWith(`${app}/`) || key.startsWith(`_config/${app}/`) || key === `_sigs/${app}.json`,
  );
  return mine.reduce((next, key) => withChange(next, key, { kind: 'removed' }), draft);
}

/** Puts the keys of an app of another state in the place of one's own. */
export function withApp(base: JsonMap, app: string, source: JsonMap): JsonMap {
  const mine = (key: string) =>
    key.startsWith(`${app}/`) || key.startsWith(`_config/${app}/`) || key === `_sigs/${app}.json`;
  const kept = Object.entries(base).filter(([key]) => !mine(key));
  const taken = Object.entries(source).filter(([key]) => mine(key));
  return Object.fromEntries([...kept, ...taken].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether signatures cover what is changed: a signed part with a change inside. */
export function breaksSignatures(draft: Draft): boolean {
  const signed = Object.keys(draft.base).flatMap((key) => /^_sigs\/(.+)\.json$/.exec(key)?.[1] ?? []);
  return [...draft.changes.keys()].some((key) =>
    signed.some((part) => key.startsWith(`${part}/`) || key.startsWith(`_config/${part}/`)),
  );
}
