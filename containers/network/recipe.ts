import { fileURLToPath } from 'node:url';
import type { ContainerRecipe } from '../src/recipe.ts';

/**
 * Sets the device's wired network up by DHCP, as the container that the group `root` is for. It sees the device's own interfaces, and
 * writes name servers into the device's /etc/resolv.conf in place, which all others see through their bind mounts (network.md §3.3).
 */
export function networkContainer(): ContainerRecipe {
  return {
    name: 'network',
    rootfs: { trees: [fileURLToPath(new URL('rootfs', import.meta.url))] },
    group: 'root',
    restartPolicy: 'system',
    network: 'host',
    lxcLines: ['lxc.mount.entry = /etc/resolv.conf etc/resolv.conf none bind,rw,optional,create=file 0 0'],
  };
}
