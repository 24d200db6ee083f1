import { managerContainer } from './manager/recipe.ts';
import { slowReadyContainer } from './slow-ready/recipe.ts';
import type { BridgeNetwork, RevisionRecipe } from './src/recipe.ts';
import { webContainer } from './web/recipe.ts';

/** Port on which `web` and `manager` serve their pages. */
export const demoPort = 8080;

/** Pool of device.json that names the bridge the containers are attached to. */
export const demoPool = 'pvcnet';

/** The revision that `npm start` runs: a web server, a container that manages the device, and one that takes a while to be ready. */
export function demoRevision(network: BridgeNetwork): RevisionRecipe {
  const pool = {
    type: 'bridge',
    bridge: network.bridge,
    subnet: `${network.prefix}.0/24`,
    gateway: `${network.prefix}.1`,
    nat: false,
  };
  return {
    network,
    containers: [webContainer(10), managerContainer(11), slowReadyContainer()],
    deviceJson: { network: { pools: { [demoPool]: pool } } },
  };
}
