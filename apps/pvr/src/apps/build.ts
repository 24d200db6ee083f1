/** Makes the files of an app from what its `src.json` says. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { findMember } from '@pantavisor/state';
import type { Pvr } from '../context.ts';
import type { Repository } from '../repository/repository.ts';
import { nodeOf } from '../repository/values.ts';
import { applyLayer, decompress } from '../rootfs/layers.ts';
import { overlayOf } from '../rootfs/overlay.ts';
import { defaultFormat, readSquashfs, writeSquashfs } from '../rootfs/squashfs.ts';
import { RootTree } from '../rootfs/tree.ts';
import type { Image } from './image/image.ts';
import { readSourceManifest, type SourceManifest } from './manifest.ts';
import { TemplateArguments } from './template/arguments.ts';
import { renderLxcConfig } from './template/lxc-config.ts';
import { isMountedOnly, makeRunManifest } from './template/run-manifest.ts';

/** Runs work with a scratch directory that is gone afterwards. */
export async function withScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'pvr-app-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Directories that a container needs, whatever its image has. */
const structure: readonly (readonly [string, number])[] = [
  ['proc', 0o755],
  ['sys', 0o755],
  ['dev', 0o755],
  ['tmp', 0o755],
  ['var', 0o755],
  ['var/tmp', 0o755],
  ['run', 0o755],
  ['var/run', 0o755],
];

/** Lays the layers of an image over each other. @param scratch takes the unpacked layers; the tree refers to them */
async function treeOf(image: Image, scratch: string): Promise<RootTree> {
  const tree = new RootTree();
  for (const [index, layer] of image.layers.entries()) {
    const label = `the layer ${layer.digest}`;
    const path = join(scratch, `layer-${index}.tar`);
    const id = await decompress(await layer.fetch(), path, label);
    if (layer.diffId !== undefined && layer.diffId !== id)
      throw new Failure('digest-mismatch', `cannot trust ${label}: it unpacks to ${id}, not to ${layer.diffId}`, {
        exitCode: 3,
      });
    await applyLayer(tree, path, label);
  }
  // Builders leave the emulator behind with which they ran the image's programs.
  tree.remove('usr/bin/qemu-arm-static');
  for (const [name] of structure) if (!tree.find(name)) tree.ensureDirectory(name);
  return tree;
}

/** Packs an image into `root.squashfs`, or what it has over a base into `root.ovl.squashfs`. */
export async function packImage(image: Image, target: string, manifest: SourceManifest, base?: string): Promise<void> {
  await withScratch(async (scratch) => {
    const tree = await treeOf(image, scratch);
    const packed = base === undefined ? tree : overlayOf(await readSquashfs(base, join(scratch, 'base.pseudo')), tree);
    await writeSquashfs(packed, target, formatOf(manifest));
  });
  writeFileSync(`${target}.docker-digest`, image.digest);
}

export function formatOf({ format_options }: SourceManifest): string {
  return format_options ? format_options : defaultFormat;
}

/** True when the file was made from the image of this digest. */
export function isBuiltFrom(target: string, digest: string | undefined): boolean {
  const note = `${target}.docker-digest`;
  return digest !== undefined && existsSync(target) && existsSync(note) && readFileSync(note, 'utf8') === digest;
}

/** Writes `run.json` and, for an app that runs, `lxc.container.conf`. */
export function writeTemplates(pvr: Pvr, root: string, app: string): void {
  const manifest = readSourceManifest(root, app);
  const { template = 'builtin-lxc-docker' } = manifest;
  if (template !== 'builtin-lxc-docker')
    throw new Failure(
      'template-unknown',
      `cannot render the app ${app}: there is no template ${JSON.stringify(template)}`,
      { exitCode: 3 },
    );
  const group = groupOf(pvr, root, app, new TemplateArguments(manifest.args ?? {}));
  const run = makeRunManifest(app, manifest, group);
  writeFileSync(join(root, app, 'run.json'), `${JSON.stringify(run, null, 4)}\n`);
  if (!isMountedOnly(manifest)) writeFileSync(join(root, app, 'lxc.container.conf'), renderLxcConfig(app, manifest));
}

/** The group that is asked for, else the last one that the device has (pvr §8.7). */
function groupOf(pvr: Pvr, root: string, app: string, args: TemplateArguments): string | undefined {
  const known = groupNames(root);
  const wanted = args.text('PV_GROUP');
  if (wanted !== undefined) {
    if (!known.includes(wanted)) pvr.note(`WARN: the group ${wanted} does not exist in groups.json or device.json`);
    return wanted;
  }
  if (args.has('PV_RUNLEVEL')) return undefined;
  const last = known.at(-1);
  if (last !== undefined) pvr.note(`Setting new platform ${app} to group "${last}"`);
  return last;
}

function groupNames(root: string): string[] {
  for (const [file, member] of [
    ['groups.json', undefined],
    ['device.json', 'groups'],
  ] as const) {
    const path = join(root, file);
    if (!existsSync(path)) continue;
    const node = nodeOf(readFileSync(path, 'utf8'));
    const list = member === undefined ? node : node.kind === 'object' ? findMember(node, member)?.value : undefined;
    if (list?.kind !== 'array') continue;
    return list.items.flatMap((item) => {
      const name = item.kind === 'object' ? findMember(item, 'name')?.value : undefined;
      return name?.kind === 'string' ? [name.value] : [];
    });
  }
  return [];
}

/** Platforms that images are chosen for: given, else those of the device's `_hostconfig/pvr/docker.json`. */
export function platformsOf(repository: Repository, given: string | undefined): string[] {
  if (given) return [given];
  const value = repository.readState().values.get('_hostconfig/pvr/docker.json');
  if (value?.kind !== 'inline') return [];
  const { platforms } = JSON.parse(value.text) as { platforms?: unknown };
  return Array.isArray(platforms) ? platforms.filter((item) => typeof item === 'string') : [];
}
