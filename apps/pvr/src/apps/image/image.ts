/** An image as the rest of pvr sees it, wherever it comes from. */
import { Failure } from '@pantavisor/cli';

/** The part of an image's configuration that runs containers (OCI image specification, config.md). */
export interface RunConfig {
  Entrypoint?: string[] | string | null;
  Cmd?: string[] | string | null;
  Env?: string[] | null;
  WorkingDir?: string;
  Volumes?: Record<string, unknown> | null;
  [other: string]: unknown;
}

export interface Layer {
  digest: string;
  /** Brings the layer, as it is stored, to a file of this machine and returns its path. */
  fetch(): Promise<string>;
  /** SHA-256 of the unpacked layer as the configuration names it, 64 hex digits. */
  diffId?: string;
}

export interface Image {
  /** As src.json has it: `<name>@sha256:…`, or what names the image where it comes from. */
  digest: string;
  config: RunConfig;
  /** From the lowest to the highest. */
  layers: readonly Layer[];
  /** Platform of the list that was chosen, e.g. `linux/arm64`. */
  platform?: string;
  /** Removes what was only needed to read the image. */
  close(): Promise<void>;
}

export interface Descriptor {
  mediaType?: string;
  digest: string;
  size: number;
  platform?: { architecture?: string; variant?: string; os?: string };
  annotations?: Record<string, string>;
}

export interface Manifest {
  mediaType?: string;
  manifests?: Descriptor[];
  config?: Descriptor;
  layers?: Descriptor[];
}

export interface ImageConfig {
  config?: RunConfig;
  rootfs?: { diff_ids?: string[] };
}

export const mediaTypes = {
  lists: ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'],
  manifests: ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'],
} as const;

/** A layer that is not distributed with the image, or not a tar. */
export function checkLayer({ mediaType = '', digest }: Descriptor): void {
  if (mediaType !== '' && !/(\.tar([.+](gzip|zstd))?|rootfs\.diff\.tar(\.(gzip|zstd))?)$/.test(mediaType))
    throw new Failure('image-unsupported', `cannot use the layer ${digest}: its type is ${mediaType}`, { exitCode: 3 });
}

/** `sha256:<hex>` only: what is not checked must not be unpacked. @returns the hex digits */
export function digestHex(digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined)
    throw new Failure('image-unsupported', `cannot check the digest ${JSON.stringify(digest)}: it is no SHA-256`, {
      exitCode: 3,
    });
  return hex;
}

/**
 * Chooses from a list: the first of its entries that fits any wanted platform, as the original does. Without a wish, the
 * entry for this machine, else the first.
 * @param wanted e.g. `linux/arm/v7`
 */
export function choosePlatform(
  list: readonly Descriptor[],
  wanted: readonly string[],
): { descriptor: Descriptor; platform?: string } {
  const real = list.filter(({ platform }) => platform?.architecture !== 'unknown');
  for (const descriptor of real) {
    const match = wanted.find((text) => {
      const [, architecture, variant] = text.split('/');
      const { platform } = descriptor;
      return (
        platform?.architecture === architecture &&
        (variant === undefined || variant === '' || platform?.variant === variant)
      );
    });
    if (match !== undefined) return { descriptor, platform: match };
  }
  if (wanted.length > 0) {
    const offered = real.map(({ platform }) =>
      [platform?.os, platform?.architecture, platform?.variant].filter((part) => part).join('/'),
    );
    throw new Failure(
      'platform-missing',
      `cannot find the platform ${wanted.join(' or ')} in the image: it has ${offered.join(', ')}`,
      { exitCode: 3 },
    );
  }
  const here = process.arch === 'x64' ? 'amd64' : process.arch;
  const descriptor =
    real.find(({ platform }) => platform?.architecture === here && (platform.os ?? 'linux') === 'linux') ?? real[0];
  if (!descriptor) throw new Failure('image-unsupported', 'cannot use the image: its list is empty', { exitCode: 3 });
  return { descriptor };
}

/** The image that a manifest describes. `open` brings a blob to a file. */
export function imageOf(
  digest: string,
  manifest: Manifest,
  config: ImageConfig,
  open: (descriptor: Descriptor) => Promise<string>,
): Omit<Image, 'close'> {
  const layers = manifest.layers ?? [];
  for (const layer of layers) checkLayer(layer);
  const ids = config.rootfs?.diff_ids ?? [];
  return {
    digest,
    config: config.config ?? {},
    layers: layers.map((layer, index) => ({
      digest: layer.digest,
      fetch: () => open(layer),
      ...(ids[index] === undefined ? {} : { diffId: digestHex(ids[index]) }),
    })),
  };
}
