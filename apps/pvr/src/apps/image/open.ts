/** Finds the image of a `--from`, in the places that `--source` names. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../../context.ts';
import type { Image } from './image.ts';
import { openArchive, openLayout } from './local.ts';
import { readImageReference } from './reference.ts';
import { openRegistryImage, type RegistryOptions } from './registry.ts';
import { openStored } from './stored.ts';

export interface ImageRequest extends RegistryOptions {
  /** Name of an image, `oci:<folder>[:tag]`, `oci-archive:<file>`, `docker-archive:<file>`. */
  from: string;
  /** Comma list of `remote` and `local`, tried in this order. */
  source: string;
}

/** @throws Failure of the last place that was tried */
export async function openImage(pvr: Pvr, { from, source, ...options }: ImageRequest): Promise<Image> {
  const transport = /^(oci|oci-archive|docker-archive):(.+)$/.exec(from);
  if (transport) {
    const [, kind, rest = ''] = transport;
    const [path = '', tag] = splitPath(resolve(pvr.directory, rest));
    if (!existsSync(path))
      throw new Failure('image-missing', `cannot find the image ${from}: there is no ${path}`, { exitCode: 3 });
    if (kind === 'oci') {
      if (!statSync(path).isDirectory() || !existsSync(join(path, 'index.json')))
        throw new Failure('image-invalid', `cannot use ${path}: it is no OCI image layout`, { exitCode: 3 });
      return { ...(await openLayout(path, tag, options.platforms)), close: async () => {} };
    }
    return openArchive(path, tag, options.platforms);
  }
  const places = source.split(',').map((place) => place.trim());
  let failure: unknown;
  for (const place of places) {
    if (place === 'local') {
      const image = await openStored(from, options.platforms, pvr.environment);
      if (image) return image;
      failure ??= new Failure('image-missing', `cannot find the image ${from} in docker or podman on this machine`, {
        exitCode: 3,
      });
    } else if (place === 'remote') {
      try {
        return await openRegistryImage(pvr, readImageReference(from), options);
      } catch (error) {
        failure = error;
      }
    } else
      throw new Failure(
        'usage',
        `cannot look for images in ${JSON.stringify(place)}: --source takes remote and local`,
        { exitCode: 3 },
      );
  }
  throw failure;
}

/** A tag stands behind the last colon, when no slash follows it. */
function splitPath(text: string): [string, string?] {
  if (existsSync(text)) return [text];
  const colon = text.lastIndexOf(':');
  return colon > text.lastIndexOf('/') ? [text.slice(0, colon), text.slice(colon + 1)] : [text];
}
