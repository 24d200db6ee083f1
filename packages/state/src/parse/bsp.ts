/** `bsp/run.json`: which files the boot loader starts (state-format §7). */
import { Fields, type Place, readText } from '../fields.ts';
import type { Bsp, ParseContext } from '../model.ts';
import { whyNotRelativePath } from '../paths.ts';
import { quote, type Report } from '../report.ts';

/**
 * Reads the board support part. The first present of `fit`, `rpiab`, `linux` with `initrd` is the image set; empty strings
 * count as absent, as tools write them for parts that a board does not have.
 */
export function readBsp(report: Report, place: Place, context: ParseContext): Bsp | undefined {
  const fields = Fields.of(report, place, 'type-mismatch');
  if (!fields) return undefined;
  if (fields.string('initrd_config'))
    report.add(
      'bsp-key-unsupported',
      fields.spot('initrd_config'),
      '"initrd_config" is not supported and has no effect',
    );
  const image = readImage(fields, context);
  const modulesFor = new Map<string, string>();
  for (const { key, place: entry } of fields.entries()) {
    const release = /^modules_(.+)$/s.exec(key)?.[1];
    const file = release && fileOf(report, entry, true);
    if (release && file) modulesFor.set(release, file);
  }
  const addons = fields
    .strings('addons')
    .flatMap(({ text, place: item }) => (isFile(report, item, text) ? [text] : []));
  const firmware = fileName(fields, 'firmware', true);
  const modules = fileName(fields, 'modules', true);
  if (!image) return undefined;
  return {
    image,
    ...(firmware ? { firmware } : {}),
    ...(modules ? { modules } : {}),
    modulesFor: Object.fromEntries(modulesFor),
    addons,
  };
}

function readImage(fields: Fields, context: ParseContext): Bsp['image'] | undefined {
  const fit = fileName(fields, 'fit');
  const rpiab = fileName(fields, 'rpiab');
  const kernel = fileName(fields, 'linux');
  const initrd = fileName(fields, 'initrd');
  const fdt = fileName(fields, 'fdt');
  if (context.bootloader === 'rpiab' && !rpiab) {
    fields.report.add(
      'bsp-rpiab-missing',
      fields.spot(),
      'cannot boot with the boot loader rpiab: bsp/run.json has no "rpiab"',
    );
    return undefined;
  }
  if (fit) return { kind: 'fit', fit };
  if (rpiab) return { kind: 'rpiab', image: rpiab };
  if (kernel && initrd) return { kind: 'linux', kernel, initrd, ...(fdt ? { fdt } : {}) };
  fields.report.add(
    'bsp-image-missing',
    fields.spot(),
    'cannot find what to boot: kernel or initrd not configured',
    'set "fit", "rpiab", or "linux" and "initrd"',
  );
  return undefined;
}

function fileName(fields: Fields, key: string, volume = false): string | undefined {
  const place = fields.get(key);
  return place && fileOf(fields.report, place, volume);
}

/** A file below `bsp/`, with a volume handler before a colon where one is allowed. */
function fileOf(report: Report, place: Place, volume: boolean): string | undefined {
  const text = readText(report, place);
  if (!text) return undefined;
  return isFile(report, place, volume ? text.slice(text.indexOf(':') + 1) : text) ? text : undefined;
}

function isFile(report: Report, place: Place, text: string): boolean {
  const refusal = whyNotRelativePath(text);
  if (refusal)
    report.add(
      'file-name-invalid',
      { offset: place.node.start, path: place.path },
      `cannot use the file ${quote(text)} of the board support part: ${refusal}`,
    );
  return refusal === undefined;
}
