/** How a state from elsewhere and the local one become one (pvr §5.6). */
import { canonicalJson } from '@pantavisor/state';
import { type Fragment, isBelow, selects } from '../reference.ts';
import { applyPatch } from '../repository/patch.ts';
import { nodeOf, type StateDocument, type Value } from '../repository/values.ts';

/**
 * `pvr get`: without parts the other state replaces the local one; with parts, those of the local state are replaced by
 * those of the other. Parts to remove go in any case.
 */
export function replaceParts(local: StateDocument, other: StateDocument, fragment: Fragment): StateDocument {
  const { parts, unparts } = fragment;
  const values = new Map<string, Value>();
  const stays = (key: string): boolean => parts.length > 0 && !parts.some((part) => isBelow(key, part));
  for (const [key, value] of local.values)
    if (stays(key) && !unparts.some((part) => isBelow(key, part))) values.set(key, value);
  for (const [key, value] of other.values) if (selects(fragment, key)) values.set(key, value);
  const takesSpec = (parts.length === 0 || parts.includes('#spec') || local.spec === '') && other.spec !== '';
  return { spec: takesSpec ? other.spec : local.spec, values };
}

/** `pvr merge`: the selected parts of the other state are laid over the local one; inline JSON is merged member by member. */
export function mergeParts(local: StateDocument, other: StateDocument, fragment: Fragment): StateDocument {
  const values = new Map<string, Value>();
  for (const [key, value] of local.values)
    if (!fragment.unparts.some((part) => isBelow(key, part))) values.set(key, value);
  for (const [key, value] of other.values) {
    if (!selects(fragment, key)) continue;
    const own = values.get(key);
    values.set(
      key,
      own?.kind === 'inline' && value.kind === 'inline'
        ? { kind: 'inline', text: canonicalJson(applyPatch(nodeOf(own.text), nodeOf(value.text))) }
        : value,
    );
  }
  return { spec: other.spec === '' ? local.spec : other.spec, values };
}

/**
 * `pvr fastcopy`: parts of one state take the place of parts of another, perhaps under other names (pvr §5.9).
 * @param keep leave what is below the parts of the destination (`--merge`)
 */
export function copyParts(
  source: StateDocument,
  destination: StateDocument,
  from: readonly string[],
  to: readonly string[],
  keep: boolean,
): StateDocument {
  const values = new Map(destination.values);
  if (!keep)
    for (const key of destination.values.keys())
      if (to.length === 0 || to.some((part) => isBelow(key, part))) values.delete(key);
  for (const [key, value] of source.values) {
    if (from.length === 0) values.set(key, value);
    else
      from.forEach((part, index) => {
        if (isBelow(key, part)) values.set(`${to[index]!}${key.slice(part.length)}`, value);
      });
  }
  return { spec: from.length === 0 && source.spec !== '' ? source.spec : destination.spec || source.spec, values };
}
