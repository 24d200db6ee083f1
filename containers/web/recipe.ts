import { fileURLToPath } from 'node:url';
import type { ContainerRecipe } from '../src/recipe.ts';

/** A web server with a page that tells container, revision and uptime; counts its visits on a permanent volume. */
export function webContainer(hostNumber: number, title?: string): ContainerRecipe {
  return {
    name: 'web',
    rootfs: { trees: [fileURLToPath(new URL('rootfs', import.meta.url))] },
    group: 'app',
    volumes: { '/var/lib/web': 'permanent' },
    network: { hostNumber },
    ...(title === undefined ? {} : { environment: { PAGE_TITLE: title } }),
  };
}
