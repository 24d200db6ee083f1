import { fileURLToPath } from 'node:url';
import type { ContainerRecipe } from '../src/recipe.ts';

/** A container with the role `mgmt`: it asks the control socket and shows the answers. */
export function managerContainer(hostNumber: number): ContainerRecipe {
  return {
    name: 'manager',
    rootfs: {
      packages: ['netcat-openbsd'],
      trees: ['../pv-request/rootfs', 'rootfs'].map((path) => fileURLToPath(new URL(path, import.meta.url))),
    },
    group: 'platform',
    role: 'mgmt',
    network: { hostNumber },
  };
}
