/** Which devices of a list are selected: some by id, or all that match the query but some. */
export type Selection = { kind: 'some'; ids: ReadonlySet<string> } | { kind: 'all-but'; ids: ReadonlySet<string> };

export const emptySelection: Selection = { kind: 'some', ids: new Set() };
export const everything: Selection = { kind: 'all-but', ids: new Set() };

export const isSelected = ({ kind, ids }: Selection, id: string): boolean => (kind === 'some') === ids.has(id);

/** @param total how many match the query */
export const selectedCount = ({ kind, ids }: Selection, total: number): number =>
  kind === 'some' ? ids.size : Math.max(0, total - ids.size);

/** Selects one device, or takes it out. */
export function toggle(selection: Selection, id: string): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { kind: selection.kind, ids };
}
