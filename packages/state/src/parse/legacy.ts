/**
 * The legacy format `pantavisor-multi-platform@1` (state-format §9). It has no groups, so its containers cannot be started
 * in this version; it is read so that a device that still holds such a revision can name what is in it.
 */
import { Fields, type Place, spotOf } from '../fields.ts';
import type { Bsp, ParseContext } from '../model.ts';
import { quote, type Report, type Spot } from '../report.ts';
import { readBsp } from './bsp.ts';

const shares = ['NETWORK', 'UTS', 'IPC'];

/** Checks the manifest and the platforms; returns the board support part. */
export function readLegacy(
  report: Report,
  files: readonly { path: string; place: Place }[],
  context: ParseContext,
  rootSpot: Spot,
): Bsp | undefined {
  const manifest = files.find(({ path }) => path === 'pantavisor.json');
  if (!manifest) {
    report.add('legacy-manifest', rootSpot, 'cannot use a state of the legacy format without pantavisor.json');
    return undefined;
  }
  const fields = Fields.of(report, manifest.place, 'legacy-manifest');
  if (!fields) return undefined;
  const platforms = new Set(fields.strings('platforms').map(({ text }) => text));
  for (const { path, place } of files) {
    if (path !== 'pantavisor.json') readPlatform(report, path, place, platforms);
  }
  if (platforms.size > 0)
    report.add(
      'legacy-inert',
      fields.spot('platforms'),
      'containers of the legacy format cannot be started',
      'convert the state to pantavisor-service-system@1',
    );
  return readBsp(report, manifest.place, context);
}

function readPlatform(report: Report, path: string, place: Place, platforms: ReadonlySet<string>): void {
  const fields = Fields.of(report, place, 'legacy-platform');
  if (!fields) return;
  const name = fields.string('name');
  if (!name || !platforms.has(name)) {
    report.add(
      'legacy-platform',
      fields.spot('name'),
      `cannot use the platform of ${path}: ${name ? `${quote(name)} is not listed in "platforms" of pantavisor.json` : 'it has no name'}`,
    );
  }
  for (const { text, place: item } of fields.strings('share')) {
    if (!shares.includes(text))
      report.add('legacy-platform', spotOf(item), `cannot share ${quote(text)}`, `use one of ${shares.join(', ')}`);
  }
}
