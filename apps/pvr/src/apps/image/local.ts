/** Images in files: OCI layouts, and the archives of docker and podman. */
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Failure } from '@pantavisor/cli';
import { extract } from 'tar-stream';
import { compressionOf, decompressor } from '../../archive/import.ts';
import { sha256, sha256File } from '../../repository/hashing.ts';
import {
  choosePlatform,
  type Descriptor,
  digestHex,
  type Image,
  type ImageConfig,
  imageOf,
  type Manifest,
} from './image.ts';

/** An OCI image layout in a folder (OCI image specification, image-layout.md). */
export async function openLayout(
  path: string,
  tag: string | undefined,
  platforms: readonly string[],
): Promise<Omit<Image, 'close'>> {
  const index = readJsonFile<Manifest>(join(path, 'index.json'));
  const entries = index.manifests ?? [];
  const named = entries.filter(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === tag);
  const candidates = tag === undefined ? entries : named;
  if (candidates.length === 0)
    throw new Failure(
      'image-missing',
      `cannot find the image ${tag ?? ''} in ${path}: it has ${entries.map((entry) => entry.annotations?.['org.opencontainers.image.ref.name'] ?? entry.digest).join(', ')}`,
      { exitCode: 3 },
    );
  const blob = async (descriptor: Descriptor): Promise<string> => {
    const file = join(path, 'blobs', 'sha256', digestHex(descriptor.digest));
    if (!existsSync(file))
      throw new Failure('image-missing', `cannot find ${descriptor.digest} in ${path}`, { exitCode: 3 });
    if ((await sha256File(file, statSync(file).size)) !== digestHex(descriptor.digest))
      throw new Failure('digest-mismatch', `cannot trust ${file}: its content is another one`, { exitCode: 3 });
    return file;
  };
  let platform: string | undefined;
  let descriptor = candidates.length === 1 ? candidates[0]! : choosePlatform(candidates, platforms).descriptor;
  let manifest = readJsonFile<Manifest>(await blob(descriptor));
  if (manifest.manifests) {
    const chosen = choosePlatform(manifest.manifests, platforms);
    ({ descriptor, platform } = { descriptor: chosen.descriptor, platform: chosen.platform });
    manifest = readJsonFile<Manifest>(await blob(descriptor));
  }
  if (!manifest.config)
    throw new Failure('image-unsupported', `cannot use the image in ${path}: it has no configuration`, { exitCode: 3 });
  const config = readJsonFile<ImageConfig>(await blob(manifest.config));
  return { ...imageOf(descriptor.digest, manifest, config, blob), ...(platform === undefined ? {} : { platform }) };
}

/** What `docker save` and `podman save` write: an archive with a manifest.json, or an OCI layout in an archive. */
export async function openArchive(
  path: string,
  name: string | undefined,
  platforms: readonly string[],
): Promise<Image> {
  const scratch = await mkdtemp(join(tmpdir(), 'pvr-image-'));
  const close = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  try {
    await unpackFlat(path, scratch);
    if (!existsSync(join(scratch, 'manifest.json')))
      return { ...(await openLayout(scratch, undefined, platforms)), close };
    const images = readJsonFile<{ Config: string; RepoTags?: string[] | null; Layers: string[] }[]>(
      join(scratch, 'manifest.json'),
    );
    const image =
      images.find(
        ({ RepoTags }) => name !== undefined && RepoTags?.some((tag) => tag === name || tag === `${name}:latest`),
      ) ?? images[0];
    if (!image) throw new Failure('image-missing', `cannot find an image in ${path}`, { exitCode: 3 });
    const inside = (member: string): string => {
      const file = join(scratch, normalize(`/${member}`));
      if (!existsSync(file)) throw new Failure('archive-invalid', `cannot find ${member} in ${path}`, { exitCode: 3 });
      return file;
    };
    const text = readFileSync(inside(image.Config), 'utf8');
    const config = JSON.parse(text) as ImageConfig;
    const ids = config.rootfs?.diff_ids ?? [];
    return {
      digest: `sha256:${sha256(text)}`,
      config: config.config ?? {},
      layers: image.Layers.map((member, index) => ({
        digest: ids[index] ?? member,
        fetch: async () => inside(member),
        ...(ids[index] === undefined ? {} : { diffId: digestHex(ids[index]) }),
      })),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Archives of images are flat: files in folders, and links between layers. Nothing else is taken, and nothing outside. */
async function unpackFlat(path: string, target: string): Promise<void> {
  const members = extract();
  const compression = compressionOf(path);
  const source = [createReadStream(path), ...decompressor(compression), members];
  const reading = pipeline(source as unknown as [NodeJS.ReadableStream, NodeJS.WritableStream]);
  reading.catch(() => {});
  const links: [string, string][] = [];
  try {
    for await (const entry of members) {
      const { type, name, linkname } = entry.header;
      const safe = normalize(`/${name}`);
      const file = join(target, safe);
      mkdirSync(join(file, '..'), { recursive: true });
      if (type === 'file') await pipeline(entry as unknown as NodeJS.ReadableStream, createWriteStream(file));
      else {
        if (type === 'symlink' || type === 'link')
          links.push([
            file,
            join(target, normalize(type === 'link' ? `/${linkname}` : join(safe, '..', linkname ?? ''))),
          ]);
        entry.resume();
      }
    }
    await reading;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') throw cause;
    throw new Failure('archive-invalid', `cannot read the image ${path}: ${(cause as Error).message}`, {
      cause,
      exitCode: 3,
    });
  }
  const { copyFile } = await import('node:fs/promises');
  for (const [file, from] of links) if (existsSync(from)) await copyFile(from, file);
}

function readJsonFile<T>(path: string): T {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (cause) {
    throw new Failure('image-invalid', `cannot read ${path}: ${(cause as Error).message}`, { cause, exitCode: 3 });
  }
}
