/** JSON merge patches (RFC 7386) over texts that keep every digit. */
import type { JsonMember, JsonNode, JsonObject } from '@pantavisor/state';
import { canonicalJson, findMember } from '@pantavisor/state';

const nowhere = { start: 0, end: 0 } as const;
const nothing: JsonNode = { kind: 'null', ...nowhere };

function objectNode(members: Iterable<readonly [string, JsonNode]>): JsonObject {
  const list: JsonMember[] = Array.from(members, ([key, value]) => ({
    key,
    keyStart: 0,
    keyEnd: 0,
    escaped: false,
    value,
  }));
  return { kind: 'object', members: list, ...nowhere };
}

const membersOf = (node: JsonObject): Map<string, JsonNode> =>
  new Map(node.members.map(({ key, value }) => [key, value]));

/**
 * The patch that turns `before` into `after`; undefined when they are equal. Objects recurse, everything else is replaced
 * whole, removed members become null.
 */
export function diffNodes(before: JsonNode, after: JsonNode): JsonNode | undefined {
  if (before.kind !== 'object' || after.kind !== 'object')
    return canonicalJson(before) === canonicalJson(after) ? undefined : after;
  const patch = new Map<string, JsonNode>();
  for (const [key, value] of membersOf(after)) {
    const old = findMember(before, key)?.value;
    const change = old ? diffNodes(old, value) : value;
    if (change) patch.set(key, change);
  }
  for (const { key } of before.members) if (!findMember(after, key)) patch.set(key, nothing);
  return patch.size === 0 ? undefined : objectNode(patch);
}

/** Applies a patch. Nulls inside of new values and of lists vanish, as they do in the original (pvr §1.4). */
export function applyPatch(target: JsonNode, patch: JsonNode): JsonNode {
  if (patch.kind !== 'object') return withoutNulls(patch);
  const result = target.kind === 'object' ? membersOf(target) : new Map<string, JsonNode>();
  for (const [key, change] of membersOf(patch)) {
    if (change.kind === 'null') result.delete(key);
    else result.set(key, applyPatch(result.get(key) ?? nothing, change));
  }
  return objectNode(result);
}

/** The value without members and items that are null, at any depth. */
export function withoutNulls(node: JsonNode): JsonNode {
  if (node.kind === 'array')
    return { ...node, items: node.items.filter(({ kind }) => kind !== 'null').map(withoutNulls) };
  if (node.kind !== 'object') return node;
  const members = [...membersOf(node)].filter(([, { kind }]) => kind !== 'null');
  return objectNode(members.map(([key, value]) => [key, withoutNulls(value)] as const));
}

/** True when a null hides anywhere below the value. */
export function holdsNull(node: JsonNode): boolean {
  if (node.kind === 'array') return node.items.some((item) => item.kind === 'null' || holdsNull(item));
  if (node.kind !== 'object') return false;
  return node.members.some(({ value }) => value.kind === 'null' || holdsNull(value));
}
