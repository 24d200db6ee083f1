/** The parts of a state: what is added, exported, signed and removed as one (pvr §1, §10). */
import { readJson } from './json/reader.ts';

export interface Part {
  /** First path component; empty for the files at the root. */
  name: string;
  /** `container`: the directory has a run.json. `directory`: neither a container nor the board support part. */
  kind: 'bsp' | 'container' | 'directory' | 'root';
  /** Its keys, in document order, with those that only concern tools. */
  keys: string[];
  /** Keys below `_config/<name>/`. */
  config: string[];
  /** `_sigs/<name>.json`, when there is one. */
  signature?: string;
}

/**
 * Lists the parts of a state document in the order of their first key, the files at the root last. Signatures and
 * configuration come with the part they are named after; those of no part make a part of their own, of kind `directory`.
 * A document that is no JSON object has none.
 */
export function listParts(text: string): Part[] {
  const { root } = readJson(text, { buildDepth: 1 });
  if (root?.kind !== 'object') return [];
  const keys = [...new Set(root.members.map(({ key }) => key))];
  const parts = new Map<string, Part>();
  const partOf = (name: string): Part => {
    const part = parts.get(name) ?? { name, kind: 'directory', keys: [], config: [] };
    parts.set(name, part);
    return part;
  };
  for (const key of keys) {
    const { part, role } = place(key);
    const target = partOf(part);
    if (role === 'signature') target.signature = key;
    else target[role].push(key);
    if (part === '') target.kind = 'root';
    else if (part === 'bsp') target.kind = 'bsp';
    else if (key === `${part}/run.json`) target.kind = 'container';
  }
  return [...parts.values()].sort((a, b) => Number(a.name === '') - Number(b.name === ''));
}

function place(key: string): { part: string; role: 'keys' | 'config' | 'signature' } {
  const signed = /^_sigs\/([^/]+)\.json$/s.exec(key)?.[1];
  if (signed !== undefined) return { part: signed, role: 'signature' };
  const configured = /^_config\/([^/]+)\//.exec(key)?.[1];
  if (configured !== undefined) return { part: configured, role: 'config' };
  return { part: /^([^/]+)\//.exec(key)?.[1] ?? '', role: 'keys' };
}
