/** The keys of a state: which is a manifest, which an object, which concerns tools only, and who owns it (state-format §3.1). */
import type { JsonMember, JsonObject } from '../json/nodes.ts';
import { pointerTo } from '../json/nodes.ts';
import type { InlineJson, ObjectEntry } from '../model.ts';
import { whyNotRelativePath } from '../paths.ts';
import { quote, type Report, type Spot } from '../report.ts';

/** Keys of the state, sorted by what they are. */
export interface Root {
  /** Every key that is stored, with its member; of duplicates the last. */
  members: Map<string, JsonMember>;
  objects: ObjectEntry[];
  inline: InlineJson[];
  /** `run.json` of containers, in document order. */
  manifests: { directory: string; member: JsonMember }[];
  services: { directory: string; member: JsonMember }[];
}

/** Root files with a meaning of their own; they hold JSON, never an object id. */
const rootFiles = ['bsp/run.json', 'bsp/drivers.json', 'device.json', 'groups.json', 'disks.json', 'disks_v3.json'];

/**
 * True for keys that are for tools: neither stored nor compared (state-format §3.1). Signatures count among them; they are
 * read from the text of the state.
 */
export function isToolKey(key: string): boolean {
  return key.startsWith('_sigs/') || key.endsWith('/src.json') || key.endsWith('/build.json');
}

export function spotOfMember(member: JsonMember): Spot {
  return { offset: member.keyStart, path: pointerTo('', member.key) };
}

/**
 * Sorts the members of a state. Ownership is not decided here.
 *
 * Deviations from the original, each of which only matters for keys that nobody writes on purpose: a key that is a prefix
 * of a special file (`bsp`, `d`) is not skipped, but an object like any other; `_config/…/run.json` is a file for the
 * container and no manifest; keys with escape sequences are decoded, with a warning.
 */
export function sortMembers(report: Report, text: string, root: JsonObject): Root {
  const sorted: Root = { members: lastMembers(report, root), objects: [], inline: [], manifests: [], services: [] };
  for (const [key, member] of sorted.members) {
    if (key === '#spec') continue;
    if (!checkPath(report, key, member) || isToolKey(key)) continue;
    if (member.escaped)
      report.add(
        'key-escaped',
        spotOfMember(member),
        `the key ${quote(key)} is written with escape sequences`,
        'write it plainly',
      );
    sortMember(report, text, key, member, sorted);
  }
  const stored = [...sorted.objects, ...sorted.inline].map(({ path }) => path);
  checkConflicts(report, stored, sorted.members);
  return sorted;
}

function lastMembers(report: Report, root: JsonObject): Map<string, JsonMember> {
  const members = new Map<string, JsonMember>();
  for (const member of root.members) {
    if (members.has(member.key)) {
      if (member.key === 'bsp/run.json')
        report.add('bsp-duplicate', spotOfMember(member), 'cannot use a state with more than one bsp/run.json');
      else report.add('key-duplicate', spotOfMember(member), `${quote(member.key)} occurs again; the last one counts`);
    }
    members.set(member.key, member);
  }
  return members;
}

function checkPath(report: Report, key: string, member: JsonMember): boolean {
  const refusal = whyNotRelativePath(key);
  if (refusal)
    report.add(
      'path-invalid',
      spotOfMember(member),
      `cannot use the key ${quote(key)} as a path: ${refusal}`,
      'write a relative path such as app/root.squashfs',
    );
  else if (key.startsWith('.pv') && /^\.pvr?(?:\/|$)/.test(key))
    report.add(
      'path-reserved',
      spotOfMember(member),
      `cannot use the key ${quote(key)}: the runtime keeps its own files there`,
    );
  else return true;
  return false;
}

/** 64 hex digits. The length is not left to the expression: counting takes the small engine longer than matching. */
const isObjectId = (text: string) => text.length === 64 && /^[0-9A-Fa-f]+$/.test(text);

function sortMember(report: Report, text: string, key: string, member: JsonMember, sorted: Root): void {
  const { value } = member;
  const special = rootFiles.includes(key);
  const isJson = key.endsWith('.json');
  const manifest = !isJson || special || key.startsWith('_config/') ? null : /^(.+)\/(run|services)\.json$/s.exec(key);
  const directory = manifest?.[1];
  if (directory !== undefined)
    (manifest?.[2] === 'run' ? sorted.manifests : sorted.services).push({ directory, member });

  const id = value.kind === 'string' && isObjectId(value.value) ? value.value : undefined;
  if (special || directory !== undefined || (id === undefined && isJson)) {
    sorted.inline.push({ path: key, text: text.slice(value.start, value.end) });
  } else if (id !== undefined) {
    const lower = id.toLowerCase();
    if (lower !== id)
      report.add(
        'object-id-case',
        spotOfMember(member),
        `the object id of ${quote(key)} is written in upper case`,
        'write it in lower case; the original would not find the object',
      );
    sorted.objects.push({ path: key, id: lower });
  } else if (value.kind !== 'broken') {
    const found =
      value.kind === 'string' ? quote(value.value) : text.slice(value.start, Math.min(value.end, value.start + 40));
    report.add(
      'object-id-invalid',
      { offset: value.start, path: pointerTo('', key) },
      `cannot use ${found} as the object id of ${quote(key)}`,
      'write the SHA-256 of the file, 64 lower-case hex digits',
    );
  }
}

/** A key that is also the directory of another cannot be written to a disk. */
function checkConflicts(report: Report, stored: readonly string[], members: ReadonlyMap<string, JsonMember>): void {
  const directories = new Set<string>();
  for (const key of stored) {
    for (let slash = key.lastIndexOf('/'); slash > 0; slash = key.lastIndexOf('/', slash - 1)) {
      const directory = key.slice(0, slash);
      if (directories.has(directory)) break;
      directories.add(directory);
      const file = isToolKey(directory) ? undefined : members.get(directory);
      if (!file) continue;
      const message = `cannot use the key ${quote(directory)}: it is the directory of ${quote(key)}`;
      report.add('path-conflict', spotOfMember(file), message);
    }
  }
}

/**
 * Name of the container that owns a key: its first path component, or the second below `_config`, when a container has
 * that name. Undefined: the key belongs to the device, and a change of it needs a reboot.
 */
export function ownerOf(path: string, containers: ReadonlySet<string>): string | undefined {
  const start = path.startsWith('_config/') ? 8 : 0;
  const slash = path.indexOf('/', start);
  const name = slash < 0 ? '' : path.slice(start, slash);
  return containers.has(name) ? name : undefined;
}
