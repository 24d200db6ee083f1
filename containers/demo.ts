import { managerContainer } from './manager/recipe.ts';
import { slowReadyContainer } from './slow-ready/recipe.ts';
import { type BridgeNetwork, defaultGroups, type RevisionRecipe } from './src/recipe.ts';
import { webContainer } from './web/recipe.ts';

/** Port on which `web` and `manager` serve their pages. */
export const demoPort = 8080;

/** Pool of device.json that names the bridge the containers are attached to. */
export const demoPool = 'pvcnet';

/** For people who watch: a container is tried again after a second and twice at most, and counts as stable after three. */
const impatientRecovery = {
  policy: 'on-failure',
  max_retries: 2,
  retry_delay: 1,
  backoff_factor: 1,
  stable_timeout: 3,
  backoff_policy: 'reboot',
} as const;

/**
 * The revision that `npm start` runs: a web server, a container that manages the device, and one that takes a while to be ready.
 * @param impatient the group `app` is recovered, and found stable, in seconds instead of half a minute
 */
export function demoRevision(network: BridgeNetwork, impatient = false): RevisionRecipe {
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
    ...(impatient
      ? {
          groups: defaultGroups.map((group) =>
            group.name === 'app' ? { ...group, auto_recovery: impatientRecovery } : group,
          ),
        }
      : {}),
    deviceJson: { network: { pools: { [demoPool]: pool } } },
  };
}
