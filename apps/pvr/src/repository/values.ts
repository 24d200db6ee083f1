/** A state as pvr handles it: a map of keys to object ids or inline JSON (pvr §1.2). */
import { Failure } from '@pantavisor/cli';
import {
  canonicalJson,
  compareCodePoints,
  type JsonNode,
  prettyJson,
  readJson,
  whyNotRelativePath,
} from '@pantavisor/state';

/** What one key holds. `text` is canonical JSON. */
export type Value = { kind: 'object'; sha: string } | { kind: 'inline'; text: string };

/** Keys without `#spec`; the order means nothing, writing sorts. */
export interface StateDocument {
  spec: string;
  values: Map<string, Value>;
}

export const defaultSpec = 'pantavisor-service-system@1';

const shaPattern = /^[0-9a-f]{64}$/;

/** True for 64 lower-case hex digits. */
export function isSha(text: string): boolean {
  return shaPattern.test(text);
}

/**
 * Reads the text of a state.
 * @param where named in errors, e.g. a path or an address
 * @throws Failure `state-invalid`
 */
export function readStateDocument(text: string, where: string): StateDocument {
  const fast = readPlainState(text);
  if (fast) return fast;
  const { root, problems } = readJson(text);
  const [problem] = problems;
  if (problem || root?.kind !== 'object')
    throw new Failure(
      'state-invalid',
      `cannot read the state in ${where}: ${problem?.message ?? 'it is no JSON object'}`,
    );
  let spec = '';
  const values = new Map<string, Value>();
  for (const { key, value } of root.members) {
    if (key === '#spec') {
      if (value.kind !== 'string')
        throw new Failure('state-invalid', `cannot read the state in ${where}: #spec is no text`);
      spec = value.value;
    } else values.set(key, toValue(value));
  }
  return { spec, values };
}

/** Deeper values are left to the reader, which has a limit and tells it. */
const plainDepth = 32;

/**
 * Reads what we wrote ourselves, ten times faster: the engine's own reader suffices for canonical text whose numbers and texts
 * it writes as we do.
 * @returns undefined when the text is anything else
 */
function readPlainState(text: string): StateDocument | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  // The same text again: no member came twice, no number lost a digit, no blank stood between. Escapes we may write otherwise.
  if (!isObject(parsed) || text.includes('\\u') || JSON.stringify(parsed) !== text) return undefined;
  // Without characters outside of the basic plane, the order of the engine is that of code points.
  const isBefore = /[\ud800-\udfff]/.test(text)
    ? (a: string, b: string) => compareCodePoints(a, b) < 0
    : (a: string, b: string) => a < b;
  if (!isSorted(parsed, plainDepth, isBefore)) return undefined;
  const { '#spec': spec = '', ...members } = parsed;
  if (typeof spec !== 'string') return undefined;
  const toPlain = (value: unknown): Value =>
    typeof value === 'string' && isSha(value)
      ? { kind: 'object', sha: value }
      : { kind: 'inline', text: JSON.stringify(value) };
  return { spec, values: new Map(Object.entries(members).map(([key, value]) => [key, toPlain(value)])) };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether all numbers are whole, written in digits alone, and the members of all objects in canonical order. */
function isSorted(value: unknown, depth: number, isBefore: (a: string, b: string) => boolean): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 1e21;
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isSorted(item, depth - 1, isBefore));
  const keys = Object.keys(value);
  return (
    keys.every((key, index) => index === 0 || isBefore(keys[index - 1]!, key)) &&
    Object.values(value).every((member) => isSorted(member, depth - 1, isBefore))
  );
}

function toValue(node: JsonNode): Value {
  return node.kind === 'string' && isSha(node.value)
    ? { kind: 'object', sha: node.value }
    : { kind: 'inline', text: canonicalJson(node) };
}

/** Canonical text of a state, without a line end (pvr §1.3). */
export function writeStateDocument({ spec, values }: StateDocument): string {
  const keys = [...values.keys(), '#spec'].sort(compareCodePoints);
  const members = keys.map(
    (key) => `${canonicalText(key)}:${key === '#spec' ? canonicalText(spec) : valueText(values.get(key)!)}`,
  );
  return `{${members.join(',')}}`;
}

/** Canonical JSON of one value. */
export function valueText(value: Value): string {
  return value.kind === 'object' ? `"${value.sha}"` : value.text;
}

function canonicalText(text: string): string {
  return canonicalJson({ kind: 'string', value: text, start: 0, end: 0 });
}

/** Parses text that is known to be JSON, e.g. canonical text of our own. */
export function nodeOf(text: string): JsonNode {
  const { root } = readJson(text);
  if (!root) throw new Failure('state-invalid', 'cannot read an empty text as JSON');
  return root;
}

/** Text as `pvr json` and `pvr diff` print it: tabs, and Go's escapes where the original has them. */
export function prettyText(text: string, indent: string, escapeHtml = false): string {
  return prettyJson(nodeOf(text), indent, escapeHtml);
}

export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (!a || !b) return a === b;
  return valueText(a) === valueText(b);
}

/** Every object of a state with the first key that names it, by key. */
export function objectsOf({ values }: StateDocument): Map<string, string> {
  const shas = new Map<string, string>();
  for (const [key, value] of [...values].sort(([a], [b]) => compareCodePoints(a, b)))
    if (value.kind === 'object' && !shas.has(value.sha)) shas.set(value.sha, key);
  return shas;
}

/**
 * Refuses keys that would be written outside of the working tree, or into pvr's own files.
 * @throws Failure `key-unsafe` naming the key
 */
export function checkKey(key: string): void {
  const why = whyNotRelativePath(key) ?? (/^\.pvr(\/|$)/.test(key) ? 'it lies among the files of pvr' : undefined);
  if (why !== undefined)
    throw new Failure('key-unsafe', `cannot use the key ${JSON.stringify(key)} of a state as a file name: ${why}`);
}
