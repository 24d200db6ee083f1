import { fileURLToPath } from 'node:url';
import type { ContainerRecipe } from '../src/recipe.ts';

/** A container that is STARTED at once and READY only when it says so on the control socket, `warmUp` seconds later. */
export function slowReadyContainer(warmUp = 2): ContainerRecipe {
  return {
    name: 'slow-ready',
    rootfs: {
      packages: ['netcat-openbsd'],
      trees: ['../pv-request/rootfs', 'rootfs'].map((path) => fileURLToPath(new URL(path, import.meta.url))),
    },
    group: 'app',
    statusGoal: 'READY',
    environment: { WARM_UP: String(warmUp) },
  };
}
