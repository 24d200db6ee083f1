/** Where members of the factory state come from, and what they are there for: what `pv-image explain` tells of them. */

/** By the end of a key; the first that fits counts. `%` is the container. */
const files: readonly [pattern: RegExp, why: string][] = [
  [/^#spec$/, 'the format of the state'],
  [/^device\.json$/, 'groups of containers, disks and volumes of the device'],
  [/^network-mapping\.json$/, 'networks of the device'],
  [/^bsp\/run\.json$/, 'which files are kernel, initramfs, modules and firmware'],
  [/^bsp\/drivers\.json$/, 'modules by the name that containers ask for'],
  [/^_sigs\//, 'signature over a part'],
  [/^_config\//, 'laid over the root file system of %'],
  [/\/run\.json$/, 'how % is run: group, volumes, recovery'],
  [/\/src\.json$/, 'what % was made of; pvr updates it by this'],
  [/\/lxc\.container\.conf$/, 'how LXC starts %'],
  [/\/services\.json$/, 'services that % offers'],
  [/\/_dm\//, 'hash that a volume of % is verified by'],
  [/\/root\.squashfs$/, 'root file system of %'],
  [/\.hash$/, 'hashes of a volume of %'],
  [/\.squashfs$/, 'a volume of %'],
];

/** Name of the container, or other part, that a key of the state belongs to. */
function ownerOf(key: string): string {
  return /^(?:_config\/)?([^/]+)\//.exec(key)?.[1] ?? 'the device';
}

/** What a member is there for. */
export function reasonFor(key: string): string {
  const [, why = 'a file of %'] = files.find(([pattern]) => pattern.test(key)) ?? [];
  return why.replace('%', ownerOf(key));
}

/** How a source of parts is shown: the account of an image says nothing of the machine that it was made on. */
function shownPart(part: string): string {
  if (!part.startsWith('/')) return part.replace(/\/\/[^/@]*@/, '//');
  const [path = '', fragment] = part.split('#', 2);
  const name = path.replace(/\/+$/, '').replace(/^.*\//, '');
  return fragment === undefined ? name : `${name}#${fragment}`;
}

/** Notes which source each member came from, as they are merged one after the other. */
export class Origins {
  readonly #origins = new Map<string, string>();
  #before: Readonly<Record<string, unknown>> = {};

  /** @param members of the state once `part` was merged */
  merged(part: string, members: Readonly<Record<string, unknown>>): void {
    for (const [key, value] of Object.entries(members))
      if (JSON.stringify(value) !== JSON.stringify(this.#before[key])) this.#origins.set(key, shownPart(part));
    this.#before = members;
  }

  /** Members that no part has brought were made here. */
  of(key: string): string {
    return this.#origins.get(key) ?? 'pv-image';
  }
}
