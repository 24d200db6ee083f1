/** What a state is made of, for people: parts, where each comes from, and the files that it has (state-format.md §2, §8). */
import { nearest } from '@pantavisor/cli/output';
import { Failure } from '@pantavisor/cli/portable';
import { compareKeys, type Member, readState } from '../pvtx/state-text.ts';

/** Where a part comes from, as its `src.json` says. */
export type Source =
  | { kind: 'docker'; name: string; digest: string | undefined }
  | { kind: 'pvr'; url: string }
  | { kind: 'rootfs'; url: string }
  | { kind: 'unknown' };

export interface Part {
  name: string;
  /** What it is: a container is started, the board support package is what the machine boots. */
  kind: 'container' | 'bsp' | 'files';
  /** Keys below its name, without it. */
  files: string[];
  /** Keys below `_config/` and its name, without them, with a leading slash: paths in the container. */
  configFiles: string[];
  isSigned: boolean;
  source: Source;
}

type Json = Readonly<Record<string, unknown>>;

/** The JSON of a member as an object; empty when it is none. */
export function objectOf(value: string | undefined): Json {
  if (value === undefined || !value.startsWith('{')) return {};
  try {
    return JSON.parse(value) as Json;
  } catch {
    return {};
  }
}

const textIn = (json: Json, key: string): string | undefined => {
  const value = json[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

function sourceOf(manifest: Json): Source {
  const pvr = textIn(manifest, 'pvr');
  if (pvr !== undefined) return { kind: 'pvr', url: pvr };
  const docker = textIn(manifest, 'docker_name');
  if (docker !== undefined) {
    const tag = textIn(manifest, 'docker_tag');
    return {
      kind: 'docker',
      name: tag === undefined ? docker : `${docker}:${tag}`,
      digest: textIn(manifest, 'docker_digest'),
    };
  }
  const rootfs = textIn(manifest, 'rootfs_url');
  return rootfs === undefined ? { kind: 'unknown' } : { kind: 'rootfs', url: rootfs };
}

/** Parts of a state by name; what belongs to none (`device.json`, …) is left out. */
export function partsOf(state: string): Part[] {
  const members = readState(state);
  const values = new Map(members.map(({ key, value }) => [key, value]));
  const names = new Set<string>();
  for (const { key } of members) {
    const [, config, plain] = /^(?:_config\/([^/]+)\/|([^_/][^/]*)\/)/.exec(key) ?? [];
    const name = config ?? plain;
    if (name !== undefined) names.add(name);
  }
  const below = (prefix: string) =>
    members.flatMap(({ key }) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
  return [...names].sort(compareKeys).map((name) => ({
    name,
    kind: name === 'bsp' ? 'bsp' : values.has(`${name}/run.json`) ? 'container' : 'files',
    files: below(`${name}/`),
    configFiles: below(`_config/${name}/`).map((path) => `/${path}`),
    isSigned: values.has(`_sigs/${name}.json`),
    source: sourceOf(objectOf(values.get(`${name}/src.json`))),
  }));
}

/** The part of this name. @throws Failure that says what there is */
export function partNamed(parts: readonly Part[], name: string, place: string): Part {
  const part = parts.find((each) => each.name === name);
  if (part) return part;
  const names = parts.map((each) => each.name);
  const [close] = nearest(name, names);
  throw new Failure('part-missing', `cannot find the part ${name} in ${place}`, {
    hint: close === undefined ? `there is ${names.join(', ') || 'none'}` : `did you mean ${close}?`,
  });
}

/** A source in words. */
export function sourceText(source: Source): string {
  switch (source.kind) {
    case 'docker':
      return `docker ${source.name}`;
    case 'pvr':
    case 'rootfs':
      return source.url;
    case 'unknown':
      return '-';
  }
}

/** Members of a part: its files, its configuration and its signature. */
export function membersOf(members: readonly Member[], part: string): Member[] {
  return members.filter(
    ({ key }) => key.startsWith(`${part}/`) || key.startsWith(`_config/${part}/`) || key === `_sigs/${part}.json`,
  );
}

/** SHA-256 of objects that members name, each once. */
export function objectsOf(members: readonly Member[]): string[] {
  return [...new Set(members.flatMap(({ value }) => /^"([0-9a-f]{64})"$/.exec(value)?.[1] ?? []))];
}

/** JSON text without blanks between its tokens; numbers and texts stay as they were written. */
export function compact(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
}

/** JSON text for people to edit. Where laying it out anew would change a number, it stays as it is. */
export function laidOut(text: string): string {
  const value: unknown = JSON.parse(text);
  return JSON.stringify(value) === compact(text) ? `${JSON.stringify(value, undefined, 2)}\n` : text;
}

/** What is known of a part beyond its row, as lines "name: value" below headings; of `state` the member values. */
export function overviewOf(part: Part, state: string): [heading: string, lines: string[]][] {
  const values = new Map(readState(state).map(({ key, value }) => [key, value]));
  const manifest = objectOf(values.get(`${part.name}/src.json`));
  const run = objectOf(values.get(`${part.name}/run.json`));
  const pairs = (json: unknown): string[] =>
    Object.entries((json ?? {}) as Json).map(
      ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
  const storage = Object.entries((run.storage ?? {}) as Json).map(([path, value]) => {
    const { persistence } = (value ?? {}) as Json;
    return `${path}: ${typeof persistence === 'string' ? persistence : JSON.stringify(value)}`;
  });
  const { source } = part;
  const origin =
    source.kind === 'docker'
      ? [`Name: ${source.name}`, ...(source.digest === undefined ? [] : [`Digest: ${source.digest}`])]
      : source.kind === 'unknown'
        ? []
        : [`URL: ${source.url}`];
  const kindOfSource = { docker: 'Docker', pvr: 'pvr', rootfs: 'root file system', unknown: 'not recorded' } as const;
  const all: [string, string[]][] = [
    [`Source (${kindOfSource[source.kind]})`, origin],
    ['Storage', storage],
    ['Args', pairs(manifest.args)],
    ['Source configs', pairs(manifest.config)],
    ['Files', part.files],
    ['Config files', part.configFiles],
    ['Signature', [part.isSigned ? `_sigs/${part.name}.json` : 'none']],
  ];
  return all.filter(([, lines], index) => index === 0 || lines.length > 0);
}
