/** Remount policies of device.json and of containers (boot.md §9). */
import { Fields, readList, readText, spotOf } from '../fields.ts';
import type { RemountRule } from '../model.ts';
import { quote } from '../report.ts';

/** Reads `remount`: policy name to a list of objects with one member each, path and mount options. Mistakes only warn. */
export function readRemount(fields: Fields): Record<string, RemountRule[]> {
  const place = fields.get('remount');
  if (!place) return {};
  const policies = Fields.of(fields.report, place, 'remount-invalid');
  const found = new Map<string, RemountRule[]>();
  for (const { key: policy, place: list } of policies?.entries() ?? []) {
    if (list.node.kind !== 'array') {
      fields.report.add(
        'remount-invalid',
        spotOf(list),
        `the remount policy ${quote(policy)} is no list and is ignored`,
      );
      continue;
    }
    const rules: RemountRule[] = [];
    for (const item of readList(fields.report, list) ?? []) {
      const entries = Fields.of(fields.report, item, 'remount-invalid')?.entries() ?? [];
      const [entry] = entries;
      const options = entry?.place.node.kind === 'string' ? readText(fields.report, entry.place) : undefined;
      if (!entry || entries.length !== 1 || options === undefined) {
        fields.report.add(
          'remount-invalid',
          spotOf(item),
          `an entry of the remount policy ${quote(policy)} is not one path with options and is ignored`,
          'write {"/path": "nosuid,ro"}',
        );
      } else rules.push({ path: entry.key, options });
    }
    found.set(policy, rules);
  }
  return Object.fromEntries(found);
}
