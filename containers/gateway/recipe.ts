import type { ContainerRecipe } from '../src/recipe.ts';

/** TCP port on which `gateway` hands requests on to the control socket. */
export const gatewayPort = 12368;

/**
 * Opens the control socket to the network, for a device on a developer's desk: whoever reaches the port may manage the device. The relay runs
 * in the container's control group, so the device sees a caller of role `mgmt`.
 */
export function gatewayContainer(): ContainerRecipe {
  return {
    name: 'gateway',
    rootfs: {
      packages: ['netcat-openbsd'],
      files: {
        '/sbin/init': {
          executable: true,
          text: [
            '#!/bin/sh',
            'trap "kill $!; exit 0" PWR TERM',
            '# -ll: one relay after the other and side by side, for as long as the container runs.',
            `nc -ll -p ${gatewayPort} -e /usr/bin/relay &`,
            'wait $!',
            '',
          ].join('\n'),
        },
        '/usr/bin/relay': { executable: true, text: '#!/bin/sh\nexec nc.openbsd -U /pantavisor/pv-ctrl\n' },
      },
    },
    group: 'platform',
    role: 'mgmt',
    network: 'host',
  };
}
