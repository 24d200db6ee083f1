/** Whether two JSON texts say the same. */
import { canonicalJson, canonicalWithoutNulls } from './canonical.ts';
import type { JsonNode } from './nodes.ts';
import { readJson } from './reader.ts';

/**
 * True when two texts are the same value, however it is written: white space, escape sequences, the form of numbers and the order of
 * members say nothing (RFC 8259). Of what is no JSON, or has a name twice, which readers understand differently, only the same
 * text is the same.
 */
export function sameJson(left: string, right: string): boolean {
  return isSame(left, right, canonicalJson);
}

/**
 * The same for readers to whom null says nothing, as to a device that reads a manifest (rule `value-null`): members and items that
 * are null do not count.
 */
export function sameManifest(left: string, right: string): boolean {
  return isSame(left, right, canonicalWithoutNulls);
}

function isSame(left: string, right: string, write: (root: JsonNode) => string): boolean {
  if (left === right) return true;
  const [one, other] = [plainText(left, write), plainText(right, write)];
  return one !== undefined && one === other;
}

function plainText(text: string, write: (root: JsonNode) => string): string | undefined {
  const { root, problems } = readJson(text);
  return root === undefined || problems.length > 0 || namesTwice(root) ? undefined : write(root);
}

function namesTwice(root: JsonNode): boolean {
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.kind === 'array') pending.push(...node.items);
    if (node.kind !== 'object') continue;
    if (new Set(node.members.map(({ key }) => key)).size < node.members.length) return true;
    pending.push(...node.members.map(({ value }) => value));
  }
  return false;
}
