/** `pvr app`: add, install, update, list, show and remove apps (pvr §8.1). Nothing here adds or commits. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import type { Repository } from '../repository/repository.ts';
import { isBuiltFrom, packImage, platformsOf, writeTemplates } from './build.ts';
import type { Image, RunConfig } from './image/image.ts';
import { openImage } from './image/open.ts';
import { splitTag } from './image/reference.ts';
import { appName, readSourceManifest, type SourceManifest, writeSourceManifest } from './manifest.ts';
import { fetchApp } from './pvr-source.ts';
import { packRootfs } from './rootfs-source.ts';

export type SourceType = 'docker' | 'rootfs' | 'pvr';

/** Where to look for an image, and as whom. */
export interface ImageOptions {
  source?: string | undefined;
  platform?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
}

export interface AddOptions extends ImageOptions {
  from: string;
  type: SourceType;
  args: Readonly<Record<string, unknown>>;
  volumes: Readonly<Record<string, string>>;
  base?: string | undefined;
  formatOptions?: string | undefined;
  config?: RunConfig | undefined;
  /** Build anew over an existing app. */
  force: boolean;
}

export interface UpdateOptions extends ImageOptions {
  from?: string | undefined;
  /** Put the changes into an overlay over the image that is there. */
  patch: boolean;
  /** Give up the overlay and build the whole image anew. */
  newBase: boolean;
  base?: string | undefined;
}

const overlayFile = 'root.ovl.squashfs';
const rootFile = 'root.squashfs';

export function typeOf(manifest: SourceManifest): SourceType {
  if (manifest.pvr) return 'pvr';
  return manifest.rootfs_url || manifest.rootfs_digest ? 'rootfs' : 'docker';
}

/** Names of the apps: directories with a `src.json`, sorted. */
export function listApps(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'src.json')))
    .map(({ name }) => name)
    .sort();
}

/** Adds an app. One that exists is only installed again, unless `force` is given; one of type rootfs is refused then. */
export async function addApp(pvr: Pvr, repository: Repository, given: string, options: AddOptions): Promise<void> {
  const { root } = repository;
  const app = appName(given);
  const directory = join(root, app);
  refuseOverlay(app, options.type, options);
  if (existsSync(join(directory, 'src.json')) && !options.force) {
    if (options.type !== 'docker')
      throw new Failure('app-exists', `cannot add the app ${app}: it exists already`, {
        exitCode: 3,
        hint: "'pvr app update', or --force to build it anew",
      });
    return installApp(pvr, repository, app, options);
  }
  const isNew = !existsSync(directory);
  mkdirSync(directory, { recursive: true });
  try {
    const common: SourceManifest = {
      '#spec': 'service-manifest-src@1',
      name: app,
      template: 'builtin-lxc-docker',
      args: { ...options.args },
      persistence: { ...options.volumes },
      ...(options.formatOptions ? { format_options: options.formatOptions } : {}),
    };
    if (options.type === 'pvr') {
      const { args = {}, persistence = {} } = common;
      await fetchApp(pvr, root, app, options.from, {
        ...(Object.keys(args).length > 0 ? { args } : {}),
        ...(Object.keys(persistence).length > 0 ? { persistence } : {}),
        ...(options.config ? { config: options.config } : {}),
      });
      if (readSourceManifest(root, app).docker_name) writeTemplates(pvr, root, app);
    } else if (options.type === 'rootfs') {
      const manifest = { ...common, docker_config: options.config ?? {}, rootfs_url: options.from };
      const digest = await packRootfs(pvr, options.from, directory, manifest);
      writeSourceManifest(root, app, { ...manifest, rootfs_digest: digest });
      writeTemplates(pvr, root, app);
    } else await addImage(pvr, repository, app, common, options);
  } catch (error) {
    if (isNew) rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

async function addImage(
  pvr: Pvr,
  repository: Repository,
  app: string,
  common: SourceManifest,
  options: AddOptions,
): Promise<void> {
  const source = options.source ?? 'remote,local';
  const image = await openFrom(pvr, repository, options.from, source, options);
  try {
    const isTransport = /^(oci|oci-archive|docker-archive):/.test(options.from);
    const { name, tag } = isTransport ? { name: options.from, tag: '' } : splitTag(options.from);
    const manifest: SourceManifest = {
      ...common,
      ...(options.config ? { config: options.config } : {}),
      docker_name: name,
      docker_tag: tag,
      docker_source: source,
      docker_config: image.config,
      ...(image.platform === undefined ? {} : { docker_platform: image.platform }),
      ...basedOn(repository.root, image, options.base),
    };
    await build(pvr, repository, app, manifest, image);
  } finally {
    await image.close();
  }
}

function basedOn(root: string, image: Image, base: string | undefined): Partial<SourceManifest> {
  if (base === undefined) return { docker_digest: image.digest };
  const { docker_digest } = readSourceManifest(root, appName(base));
  return { base: appName(base), docker_ovl_digest: image.digest, ...(docker_digest ? { docker_digest } : {}) };
}

/** Packs what is missing, then writes src.json and the files made from it. */
async function build(
  pvr: Pvr,
  repository: Repository,
  app: string,
  manifest: SourceManifest,
  image: Image,
): Promise<void> {
  const { root } = repository;
  const own = join(root, app, rootFile);
  if (manifest.docker_ovl_digest) {
    const base = manifest.base === undefined ? own : join(root, manifest.base, rootFile);
    if (!existsSync(base))
      throw new Failure('base-missing', `cannot build ${app} over ${base}: it is not there`, { exitCode: 3 });
    await packImage(image, join(root, app, overlayFile), manifest, base);
  } else await packImage(image, own, manifest);
  writeSourceManifest(root, app, manifest);
  writeTemplates(pvr, root, app);
}

function openFrom(
  pvr: Pvr,
  repository: Repository,
  from: string,
  source: string,
  options: ImageOptions,
): Promise<Image> {
  const { username, password } = options;
  return openImage(pvr, { from, source, platforms: platformsOf(repository, options.platform), username, password });
}

/** Makes the files of an app again from its src.json; an image that is up to date is not touched. */
export async function installApp(
  pvr: Pvr,
  repository: Repository,
  given: string,
  options: ImageOptions,
): Promise<void> {
  const { root } = repository;
  const app = appName(given);
  const manifest = readSourceManifest(root, app);
  if (typeOf(manifest) !== 'docker') {
    if (typeOf(manifest) === 'rootfs' && !existsSync(join(root, app, rootFile)))
      await packRootfs(pvr, manifest.rootfs_url ?? '', join(root, app), manifest);
    if (typeOf(manifest) === 'rootfs' || manifest.docker_name) writeTemplates(pvr, root, app);
    else pvr.note(`${app} is not a docker app; its files stay as they were fetched`);
    return;
  }
  if (manifest.base !== undefined && !existsSync(join(root, manifest.base, rootFile)))
    await installApp(pvr, repository, manifest.base, options);
  const digest = manifest.docker_ovl_digest ?? manifest.docker_digest;
  const file = manifest.docker_ovl_digest ? overlayFile : rootFile;
  if (isBuiltFrom(join(root, app, file), digest)) {
    pvr.note(`${file}: already up to date.`);
    writeTemplates(pvr, root, app);
    return;
  }
  // The digest, not the tag: what is built is what src.json says, also when the tag has moved on.
  const named = imageText(manifest);
  const from = digest?.includes('@') ? digest : named;
  const image = await openFrom(pvr, repository, from, options.source ?? manifest.docker_source ?? 'remote,local', {
    ...options,
    platform: options.platform ?? manifest.docker_platform,
  });
  try {
    const change = manifest.docker_ovl_digest
      ? { docker_ovl_digest: image.digest }
      : { docker_digest: digest?.includes('@') ? digest : image.digest };
    await build(pvr, repository, app, { ...manifest, ...change }, image);
  } finally {
    await image.close();
  }
}

function imageText({ docker_name = '', docker_tag = '' }: SourceManifest): string {
  return docker_tag === '' ? docker_name : `${docker_name}:${docker_tag}`;
}

/** Fetches the newest content of an app's source. @returns whether anything is new */
export async function updateApp(
  pvr: Pvr,
  repository: Repository,
  given: string,
  options: UpdateOptions,
): Promise<boolean> {
  const { root } = repository;
  const app = appName(given);
  const manifest = readSourceManifest(root, app);
  const type = typeOf(manifest);
  refuseOverlay(app, type, options);
  if (type === 'pvr') {
    await fetchApp(pvr, root, app, options.from ?? manifest.pvr!, {});
    return true;
  }
  if (type === 'rootfs') {
    const from = options.from ?? manifest.rootfs_url ?? '';
    const digest = await packRootfs(pvr, from, join(root, app), manifest);
    writeSourceManifest(root, app, { ...manifest, rootfs_url: from, rootfs_digest: digest });
    writeTemplates(pvr, root, app);
    return digest !== manifest.rootfs_digest;
  }
  const from = options.from ?? imageText(manifest);
  const source = options.source ?? manifest.docker_source ?? 'remote,local';
  const image = await openFrom(pvr, repository, from, source, {
    ...options,
    platform: options.platform ?? manifest.docker_platform,
  });
  try {
    const isOverlay =
      (options.patch || options.base !== undefined || manifest.base !== undefined || manifest.docker_ovl_digest) &&
      !options.newBase;
    const { docker_ovl_digest: _overlay, base: oldBase, ...rest } = manifest;
    const { name, tag } = /^(oci|oci-archive|docker-archive):/.test(from) ? { name: from, tag: '' } : splitTag(from);
    const changed: SourceManifest = {
      ...rest,
      '#spec': manifest['#spec'],
      docker_name: name,
      docker_tag: tag,
      docker_source: source,
      docker_config: image.config,
      ...(image.platform === undefined ? {} : { docker_platform: image.platform }),
    };
    const base = options.base ?? oldBase;
    if (isOverlay) {
      if (base !== undefined) Object.assign(changed, basedOn(root, image, base));
      else changed.docker_ovl_digest = image.digest;
    } else changed.docker_digest = image.digest;
    await build(pvr, repository, app, changed, image);
    if (!isOverlay)
      for (const file of [overlayFile, `${overlayFile}.docker-digest`]) rmSync(join(root, app, file), { force: true });
    return image.digest !== (manifest.docker_ovl_digest ?? manifest.docker_digest);
  } finally {
    await image.close();
  }
}

/** Overlays are made of images: for other apps the options would have no effect. */
function refuseOverlay(
  app: string,
  type: SourceType,
  { base, patch, newBase }: Partial<Pick<UpdateOptions, 'base' | 'patch' | 'newBase'>>,
): void {
  const option = base !== undefined ? '--base' : newBase ? '--newbase' : patch ? '--patch' : undefined;
  if (type === 'docker' || option === undefined) return;
  throw new Failure(
    'app-type',
    `cannot use ${option} with the app ${app}: it is made from ${type}, not from an image`,
    {
      exitCode: 3,
      hint: `overlays are made of images; without ${option} the app is made as a whole`,
    },
  );
}

/** Removes the directory of an app. `_config/<app>` and `_sigs/<app>.json` stay. */
export function removeApp(root: string, given: string): void {
  const app = appName(given);
  readSourceManifest(root, app);
  rmSync(join(root, app), { recursive: true });
}
