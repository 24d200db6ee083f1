/** Volumes of an app: those of its image and those of its `persistence` (pvr §8.7, item 14). */
import { effectiveConfig, type SourceManifest } from '../manifest.ts';

export interface AppVolume {
  /** Path in the container, with a slash before it. */
  path: string;
  /** Text before the colon of the key, e.g. `ovl`; empty for a plain volume. */
  scheme: string;
  /** Name below the volume directory of the app, e.g. `docker--var-lib`. */
  name: string;
  persistence: string;
  disk?: string;
}

/** The volumes, sorted by key; `lxc-overlay` is not among them. */
export function volumesOf(manifest: SourceManifest): AppVolume[] {
  const volumes = new Map<string, string>();
  for (const path of Object.keys(effectiveConfig(manifest).Volumes ?? {})) volumes.set(trim(path), 'permanent');
  for (const [key, persistence] of Object.entries(manifest.persistence ?? {})) volumes.set(trim(key), persistence);
  volumes.delete('lxc-overlay');
  return [...volumes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => {
      const [, scheme = '', path = key] = /^([a-z]+):(.*)$/.exec(key) ?? [];
      const [persistence = '', disk] = value.split('@');
      return {
        path,
        scheme,
        name: `docker${scheme}-${path.replaceAll('/', '-')}`,
        persistence,
        ...(disk === undefined ? {} : { disk }),
      };
    });
}

const trim = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, '') : path);
