/** Signed packages in the shapes that devices have, and tar archives of them, also such as no honest tool writes. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export type State = Record<string, unknown>;

export const spec = { '#spec': 'pantavisor-service-system@1' };

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** A value `_sigs/<name>.json`: the header says what is signed; whether it verifies is the device's business. */
export function signature(include: readonly string[], exclude: readonly string[] = []): State {
  const header = { alg: 'RS256', pvs: { include, exclude }, typ: 'PVS' };
  return {
    '#spec': 'pvs@2',
    protected: Buffer.from(JSON.stringify(header)).toString('base64url'),
    signature: 'c2lnbmF0dXJl',
  };
}

export interface Package {
  state: State;
  /** Contents by id. */
  objects: Record<string, string>;
}

/**
 * What `pvr sig add --part NAME` and `pvr export` make of the files of one container.
 * @param config null: the signature does not cover the configuration (`--noconfig`)
 */
export function containerPackage(
  name: string,
  files: Record<string, string>,
  config: Record<string, string> | null = {},
): Package {
  const objects: Record<string, string> = {};
  const put = (content: string): string => {
    objects[sha256(content)] = content;
    return sha256(content);
  };
  const entries = [
    ...Object.entries(files).map(([path, content]) => [`${name}/${path}`, put(content)]),
    ...Object.entries(config ?? {}).map(([path, content]) => [`_config/${name}/${path}`, put(content)]),
  ];
  const state = {
    ...spec,
    ...Object.fromEntries(entries),
    [`${name}/run.json`]: { '#spec': 'service-manifest-run@1', name, 'root-volume': 'root.squashfs' },
    [`${name}/src.json`]: { docker_name: name },
    [`_sigs/${name}.json`]: signature(config ? [`${name}/**`, `_config/${name}/**`] : [`${name}/**`], [
      `${name}/src.json`,
      `_sigs/${name}.json`,
    ]),
  };
  return { state, objects };
}

/** Configuration of a container that is signed apart from it. */
export function configPackage(name: string, keys: Record<string, string>, include: readonly string[]): Package {
  const objects = Object.fromEntries(Object.values(keys).map((content) => [sha256(content), content]));
  const files = Object.fromEntries(Object.entries(keys).map(([key, content]) => [key, sha256(content)]));
  return { state: { ...spec, ...files, [`_sigs/${name}.json`]: signature(include, [`_sigs/${name}.json`]) }, objects };
}

/** State with sorted keys, compact. */
export function stateText(state: State): string {
  const entries = Object.entries(state).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return JSON.stringify(Object.fromEntries(entries));
}

export const tarOf = ({ state, objects }: Package): Buffer =>
  makeTar([
    { name: 'json', content: stateText(state) },
    ...Object.entries(objects).map(([id, content]) => ({ name: `objects/${id}`, content })),
  ]);

export const tgzOf = (made: Package): Buffer => gzipSync(tarOf(made));

export interface TarMember {
  name: string;
  /** Type flag of the header; `0` is a file. */
  type?: string;
  content?: string | Uint8Array;
  target?: string;
}

export function makeTar(members: readonly TarMember[]): Buffer {
  const blocks = members.flatMap(({ name, type = '0', content = '', target = '' }) => {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(512);
    const octal = (value: number, at: number, length: number) =>
      header.write(value.toString(8).padStart(length - 1, '0'), at, 'ascii');
    header.write(name, 0, 100);
    octal(0o644, 100, 8);
    octal(0, 108, 8);
    octal(0, 116, 8);
    octal(bytes.length, 124, 12);
    octal(1_000_000, 136, 12);
    header.write('        ', 148, 'ascii');
    header.write(type, 156, 'ascii');
    header.write(target, 157, 100);
    header.write('ustar\u000000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
