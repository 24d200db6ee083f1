/** Reads recipes of images: JSON into a complete recipe, or every problem there is. */
import { basename, dirname, isAbsolute, resolve } from 'node:path';
import { nearest } from '@pantavisor/cli';
import { whyNotSettings } from '@pantavisor/device/config';
import { defaultKernels } from '../debian/kernel.ts';
import { architectureNames, architectures } from './architectures.ts';
import { type DeviceTrees, type ImageRecipe, type KernelRecipe, recipeSpec } from './recipe.ts';

export interface RecipeProblem {
  /** Members down to the place, e.g. `kernel.image`; empty for the whole. */
  place: string;
  message: string;
}

/** `kernel.image must be a path` */
export function formatRecipeProblem({ place, message }: RecipeProblem): string {
  return `${place === '' ? 'it' : place} ${message}`;
}

type JsonObject = Record<string, unknown>;

const mebibyte = 1024 * 1024;
/** Bytes of the partition with variables that the boot script reads. */
const oemLimit = 0x1000;
export const smallestStorage = 32 * mebibyte;

/** Keys of a recipe with what they mean; the reference in docs/images.md is made of it. */
export const recipeKeys: Readonly<Record<string, string>> = {
  '#spec': `"${recipeSpec}"`,
  name: 'name of the image: letters, digits, `.`, `_`, `-`; identities of disk and file systems come from it. Required',
  architecture: '`x86_64`, `aarch64` or `armv7`. Required',
  loader:
    '`grub`, `u-boot`, `rpi`, or `none` for QEMU alone. Default: `grub` on x86_64, else `u-boot`; `rpi` is for aarch64',
  kernel:
    '`{"debian": "<package>", "fdt"}`, or `{"image", "modules", "firmware", "fdt"}` with your own files and folders; `fdt` is a device tree, or several by their names. Default: Debian’s for virtual machines',
  arguments:
    'kernel arguments of the machine. Default: its serial console, and that the kernel drops no line of the runtime',
  parts:
    'list of what makes the factory state: directories of pvr, exports, addresses, with `#part,-part`; later ones win',
  config: 'keys of `pantavisor.config`, e.g. `{"PV_LOG_LEVEL": "5"}`',
  hub: 'keys of the storage’s `config/pantahub.config`, e.g. `{"PH_CREDS_HOST": "…"}`',
  drivers:
    '`bsp/drivers.json`: lists of modules by the name that containers ask for; `dtb:NAME`, `ovl:NAME` and `fitconfig:NAME` hold such lists for one board',
  initramfs: 'files that are added to the initramfs, by their path in it',
  boot: '`{"files": {"<path>": "<file>"}, "raw": {"<offset>": "<file>"}, "fit": "<address>", "oem": {"<variable>": "<text>"}}`: files on the boot partition; what lies before it, e.g. U-Boot at 33792; kernel, initramfs and device trees as one FIT, whose kernel U-Boot copies to the address; variables of U-Boot in a partition of their own',
  signing:
    '`{"key", "certificates", "authorities"}`, files (PEM): what the board support part is signed with, and whom the device trusts',
  storage:
    '`{"size": "512M", "files": {"<path>": "<text>"}}`. The device grows it to the end of its disk. Default: 512M',
  compression: '`best` or `fast`. Default: `best`',
  machine:
    '`{"memory": <MiB>, "processors": <n>, "ports": {"<host>": <guest>}}` for `pv-image run`. Default: 512, 1, none',
};

const join = (place: string, key: string) => (place === '' ? key : `${place}.${key}`);

class Reader {
  readonly problems: RecipeProblem[] = [];
  readonly #folder: string;
  constructor(folder: string) {
    this.#folder = folder;
  }

  problem(place: string, message: string): void {
    this.problems.push({ place, message });
  }

  object(value: unknown, place: string, keys?: readonly string[]): JsonObject {
    if (value === undefined) return {};
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problem(place, 'must be an object');
      return {};
    }
    for (const key of Object.keys(value)) {
      if (keys === undefined || keys.includes(key)) continue;
      const [close] = nearest(key, keys);
      this.problem(join(place, key), `is not known${close === undefined ? '' : `; did you mean ${close}?`}`);
    }
    return value as JsonObject;
  }

  text(value: unknown, place: string, fallback = ''): string {
    if (value === undefined) return fallback;
    if (typeof value === 'string' && !value.includes('\0')) return value;
    this.problem(place, 'must be a text');
    return fallback;
  }

  /** A text without what would end a line of a script or a configuration. */
  line(value: unknown, place: string, fallback = ''): string {
    const text = this.text(value, place, fallback);
    if (/[\n\r]/.test(text)) this.problem(place, 'must be one line');
    return text;
  }

  oneOf<T extends string>(value: unknown, place: string, names: readonly T[], fallback: T): T {
    if (value === undefined) return fallback;
    if (names.includes(value as T)) return value as T;
    this.problem(place, `must be one of ${names.join(', ')}`);
    return fallback;
  }

  count(value: unknown, place: string, fallback: number, least: number, most: number): number {
    if (value === undefined) return fallback;
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    this.problem(place, `must be a whole number from ${least} to ${most}`);
    return fallback;
  }

  texts(value: unknown, place: string, key?: { pattern: RegExp; rule: string }): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [name, text] of Object.entries(this.object(value, place))) {
      if (key !== undefined && !key.pattern.test(name)) this.problem(`${place}.${name}`, key.rule);
      found[name] = this.text(text, `${place}.${name}`);
    }
    return found;
  }

  lines(value: unknown, place: string, key: { pattern: RegExp; rule: string }): Record<string, string> {
    const found = this.texts(value, place, key);
    for (const [name, text] of Object.entries(found)) this.line(text, `${place}.${name}`);
    return found;
  }

  /** Keys and values as the device would take them from its file. */
  settings(value: unknown, place: string, level: 'pv conf file' | 'ph conf file'): Record<string, string> {
    const found = this.lines(value, place, configKey);
    for (const { key, message } of whyNotSettings(found, level))
      if (configKey.pattern.test(key)) this.problem(`${place}.${key}`, message);
    return found;
  }

  list(value: unknown, place: string): string[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.problem(place, 'must be a list');
      return [];
    }
    return value.map((one, index) => this.text(one, `${place}[${index}]`));
  }

  /** Paths are relative to the recipe's folder. */
  path(value: unknown, place: string): string {
    const text = this.text(value, place);
    if (text === '' && value !== undefined) this.problem(place, 'must be a path');
    return text === '' || isAbsolute(text) ? text : resolve(this.#folder, text);
  }

  /** Files by what they are called elsewhere. */
  files(value: unknown, place: string, key: { pattern: RegExp; rule: string }): Record<string, string> {
    const entries = Object.entries(this.texts(value, place, key));
    return Object.fromEntries(entries.map(([name, source]) => [name, this.path(source, `${place}.${name}`)]));
  }

  size(value: unknown, place: string, fallback: number): number {
    if (value === undefined) return fallback;
    const match = /^(\d{1,6})([MG])$/.exec(typeof value === 'string' ? value : '');
    const size = match === null ? 0 : Number(match[1]) * (match[2] === 'G' ? 1024 : 1) * mebibyte;
    if (size >= smallestStorage) return size;
    this.problem(place, 'must be a size of at least 32M, such as 512M or 2G');
    return fallback;
  }
}

const plainPath = { pattern: /^(?!.*(^|\/)\.{0,2}(\/|$))[^\0]+$/, rule: 'must be a relative path without . and ..' };
const ubootVariable = { pattern: /^[A-Za-z_][A-Za-z0-9_.-]*$/, rule: 'must be a name of a variable of U-Boot' };
const configKey = { pattern: /^[A-Z][A-Z0-9_]*$/, rule: 'must be a key of the configuration, such as PV_LOG_LEVEL' };

/**
 * One device tree, which is called by its file's name, or several by their names.
 * @param isHere they are files of this machine, and not of a package
 */
function readTrees(reader: Reader, value: unknown, isHere: boolean): DeviceTrees {
  const source = (text: unknown, place: string) => (isHere ? reader.path(text, place) : reader.text(text, place));
  if (typeof value === 'object' && value !== null) {
    const texts = reader.texts(value, 'kernel.fdt', plainPath);
    if (Object.keys(texts).length === 0) reader.problem('kernel.fdt', 'must name a device tree');
    return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, source(text, `kernel.fdt.${name}`)]));
  }
  const path = source(value, 'kernel.fdt');
  return path === '' ? {} : { [basename(path)]: path };
}

function readKernel(reader: Reader, value: unknown, fallback: string): KernelRecipe {
  if (value === undefined) return { debian: fallback };
  const members = reader.object(value, 'kernel', ['debian', 'image', 'modules', 'firmware', 'fdt']);
  const fdt = members.fdt === undefined ? {} : { fdt: readTrees(reader, members.fdt, members.debian === undefined) };
  if (members.debian !== undefined) {
    for (const key of Object.keys(members))
      if (key !== 'debian' && key !== 'fdt')
        reader.problem(`kernel.${key}`, 'does not go with kernel.debian, which brings its own');
    const debian = reader.text(members.debian, 'kernel.debian');
    if (!/^[a-z0-9][a-z0-9+.-]+$/.test(debian)) reader.problem('kernel.debian', 'must be the name of a Debian package');
    return { debian, ...fdt };
  }
  if (members.image === undefined) reader.problem('kernel', 'needs debian or image');
  const optional = (key: 'modules' | 'firmware') =>
    members[key] === undefined ? {} : { [key]: reader.path(members[key], `kernel.${key}`) };
  return {
    image: members.image === undefined ? '' : reader.path(members.image, 'kernel.image'),
    ...optional('modules'),
    ...optional('firmware'),
    ...fdt,
  };
}

/** Sections of `bsp/drivers.json` that hold on some boards only (state-format.md); all other names are those that containers ask for. */
const boardSection = /^(dtb|ovl|fitconfig):./;

function readDrivers(reader: Reader, value: unknown): ImageRecipe['drivers'] {
  const lists = (members: JsonObject, place: string) =>
    Object.fromEntries(Object.entries(members).map(([name, list]) => [name, reader.list(list, `${place}.${name}`)]));
  const members = Object.entries(reader.object(value, 'drivers'));
  const all = Object.fromEntries(members.filter(([name]) => !boardSection.test(name)));
  const sections = members
    .filter(([name]) => boardSection.test(name))
    .map(([name, section]) => [name, lists(reader.object(section, `drivers.${name}`), `drivers.${name}`)] as const);
  return { all: lists(all, 'drivers'), ...Object.fromEntries(sections) };
}

/** What only a boot script of U-Boot understands. */
function checkForUboot(reader: Reader, { architecture, loader, boot, kernel }: ImageRecipe): void {
  const wanted = { 'boot.fit': boot.fit !== undefined, 'boot.oem': Object.keys(boot.oem).length > 0 };
  for (const [place, isWanted] of Object.entries(wanted))
    if (isWanted && loader !== 'u-boot') reader.problem(place, `is for the loader u-boot, and not for ${loader}`);
  if (boot.fit === undefined) return;
  if (architecture === 'aarch64' && boot.fit % (2 * mebibyte) !== 0)
    reader.problem('boot.fit', 'must be a multiple of 0x200000: kernels of aarch64 run nowhere else');
  if (kernel.fdt === undefined)
    reader.problem('boot.fit', 'needs kernel.fdt: U-Boot hands over no device tree of its own beside a FIT');
}

/** An address in memory of 32 bits. */
function readAddress(reader: Reader, value: unknown, place: string): number | undefined {
  if (value === undefined) return undefined;
  const digits = /^0x([0-9a-f]{1,8})$/i.exec(typeof value === 'string' ? value : '')?.[1];
  if (digits !== undefined) return Number.parseInt(digits, 16);
  reader.problem(place, 'must be an address, such as "0x40400000", to which U-Boot copies the kernel');
  return undefined;
}

function readBoot(reader: Reader, value: unknown): ImageRecipe['boot'] {
  const members = reader.object(value, 'boot', ['files', 'raw', 'fit', 'oem']);
  const fit = readAddress(reader, members.fit, 'boot.fit');
  const oem = reader.lines(members.oem, 'boot.oem', ubootVariable);
  const length = Object.entries(oem).reduce((sum, [key, text]) => sum + key.length + text.length + 2, 0);
  if (length > oemLimit) reader.problem('boot.oem', `must be shorter: ${length} bytes, and U-Boot reads ${oemLimit}`);
  return {
    ...(fit === undefined ? {} : { fit }),
    oem,
    files: reader.files(members.files, 'boot.files', plainPath),
    raw: reader.files(members.raw, 'boot.raw', { pattern: /^\d{3,8}$/, rule: 'must be an offset in bytes' }),
  };
}

function readSigning(reader: Reader, value: unknown): ImageRecipe['signing'] {
  const names = ['key', 'certificates', 'authorities'] as const;
  const members = reader.object(value, 'signing', names);
  if (members.certificates !== undefined && members.key === undefined)
    reader.problem('signing.certificates', 'needs signing.key, the key that they are for');
  const given = names.filter((name) => members[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, reader.path(members[name], `signing.${name}`)]));
}

function readMachine(reader: Reader, value: unknown): ImageRecipe['machine'] {
  const members = reader.object(value, 'machine', ['memory', 'processors', 'ports']);
  const ports: Record<string, number> = {};
  for (const [host, guest] of Object.entries(reader.object(members.ports, 'machine.ports'))) {
    const place = `machine.ports.${host}`;
    if (!/^\d{1,5}$/.test(host) || Number(host) > 65535)
      reader.problem(place, 'must be a port of the host, or 0 for a free one');
    ports[host] = reader.count(guest, place, 1, 1, 65535);
  }
  return {
    memory: reader.count(members.memory, 'machine.memory', 512, 32, 65536),
    processors: reader.count(members.processors, 'machine.processors', 1, 1, 64),
    ports,
  };
}

/**
 * Reads a recipe.
 * @param text of the file
 * @param file path of it; paths in the recipe are relative to its folder
 * @returns the recipe with all defaults filled in, or all problems, and as `draft` what could be read in spite of them
 */
export function readRecipe(
  text: string,
  file: string,
): { recipe: ImageRecipe; problems: [] } | { recipe?: never; draft?: ImageRecipe; problems: RecipeProblem[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problems: [{ place: '', message: `is not JSON: ${(error as Error).message}` }] };
  }
  const reader = new Reader(dirname(resolve(file)));
  const members = reader.object(value, '', Object.keys(recipeKeys));
  if (members['#spec'] !== recipeSpec) reader.problem('#spec', `must be "${recipeSpec}"`);
  const name = reader.text(members.name, 'name');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
    reader.problem('name', 'must be 1 to 64 letters, digits, dots, dashes or underscores');
  if (members.architecture === undefined) reader.problem('architecture', 'is missing');
  const architecture = reader.oneOf(members.architecture, 'architecture', architectureNames, 'x86_64');
  const usual = architectures[architecture];
  const loader = reader.oneOf(members.loader, 'loader', usual.loaders, usual.loaders[0]);
  const storage = reader.object(members.storage, 'storage', ['size', 'files']);
  const recipe: ImageRecipe = {
    name,
    architecture,
    loader,
    kernel: readKernel(reader, members.kernel, defaultKernels[usual.debian]),
    arguments: reader.line(members.arguments, 'arguments', usual.arguments),
    parts: reader.list(members.parts, 'parts').map((part) => localPart(reader, part)),
    config: reader.settings(members.config, 'config', 'pv conf file'),
    hub: reader.settings(members.hub, 'hub', 'ph conf file'),
    drivers: readDrivers(reader, members.drivers),
    initramfs: reader.files(members.initramfs, 'initramfs', plainPath),
    boot: readBoot(reader, members.boot),
    signing: readSigning(reader, members.signing),
    storage: {
      size: reader.size(storage.size, 'storage.size', 512 * mebibyte),
      files: reader.texts(storage.files, 'storage.files', plainPath),
    },
    compression: reader.oneOf(members.compression, 'compression', ['best', 'fast'], 'best'),
    machine: readMachine(reader, members.machine),
  };
  // GRUB's and U-Boot's scripts hold them; the firmware of rpi and whoever starts a kernel directly take them as they are.
  if ((loader === 'grub' || loader === 'u-boot') && /["'$;&|<>`\\#{}]/.test(recipe.arguments))
    reader.problem(
      'arguments',
      'must have none of " \' $ ; & | < > ` \\ # { }: the boot script would take them for its own',
    );
  checkForUboot(reader, recipe);
  return reader.problems.length === 0 ? { recipe, problems: [] } : { draft: recipe, problems: reader.problems };
}

/** What begins like a path is one, from the recipe's folder on; everything else is an address that pvr understands. */
function localPart(reader: Reader, part: string): string {
  if (!/^\.{0,2}\//.test(part)) return part;
  const cut = part.indexOf('#');
  const path = cut < 0 ? part : part.slice(0, cut);
  return `${reader.path(path, 'parts')}${cut < 0 ? '' : part.slice(cut)}`;
}
