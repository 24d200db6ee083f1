/** `bsp/drivers.json`: driver names and the kernel modules behind them (state-format §7). */
import { Fields, type Place, readText, spotOf } from '../fields.ts';
import type { Container, ParseContext } from '../model.ts';
import { quote, type Report, type Spot } from '../report.ts';

/**
 * Reads the sections that hold on this device: `all`, `fitconfig:NAME`, and the documented `dtb:NAME` and `ovl:NAME`. Of
 * a driver that several sections name, the one that stands last counts. Mistakes only warn: the driver is then unknown.
 */
export function readDrivers(report: Report, place: Place, context: ParseContext): Record<string, string[]> {
  const sections = new Set(['all']);
  if (context.fitConfig) sections.add(`fitconfig:${context.fitConfig}`);
  if (context.deviceTree) sections.add(`dtb:${context.deviceTree}`);
  for (const overlay of context.overlays ?? []) sections.add(`ovl:${overlay}`);

  const drivers = new Map<string, string[]>();
  for (const { key, place: section } of Fields.of(report, place, 'drivers-invalid')?.entries() ?? []) {
    if (!sections.has(key)) continue;
    for (const { key: alias, place: list } of Fields.of(report, section, 'drivers-invalid')?.entries() ?? []) {
      const items = list.node.kind === 'array' ? list.node.items : [];
      const modules = items.flatMap((node) =>
        node.kind === 'string' ? [readText(report, { node, path: list.path }) ?? ''] : [],
      );
      if (list.node.kind !== 'array' || modules.length < items.length) {
        report.add(
          'drivers-invalid',
          spotOf(list),
          `the driver ${quote(alias)} is no list of module names; what is none is ignored`,
        );
      }
      drivers.set(alias, modules);
    }
  }
  return Object.fromEntries(drivers);
}

/** Warns of drivers that a container requires and the board does not declare: the original loads nothing, silently. */
export function checkDrivers(
  report: Report,
  containers: readonly Container[],
  drivers: Record<string, string[]>,
  spotOfContainer: (container: Container) => Spot,
): void {
  for (const container of containers) {
    for (const name of container.drivers.required) {
      if (Object.hasOwn(drivers, name)) continue;
      const message = `no driver is called ${quote(name)}, which the container ${quote(container.name)} requires`;
      report.add('driver-unknown', spotOfContainer(container), message, 'declare it in bsp/drivers.json');
    }
  }
}
