/** The machine made ready for the containers of a revision: directories, mount ledger, networks, and the rooms that act on them. */
import type { ContainerEvent } from '@pantavisor/engine';
import type { State } from '@pantavisor/state';
import { detectLayout, ownerOf } from '../containers/control-groups.ts';
import { type ContainerSource, lxcLogLevel, readStateConfig } from '../containers/launch.ts';
import { Lifecycle } from '../containers/lifecycle.ts';
import { bakedAddresses } from '../containers/lxc-config.ts';
import { parseLxcConfig } from '../containers/lxc-text.ts';
import { ContainerRecords } from '../containers/records.ts';
import { remountPolicy, remountRules } from '../containers/remount.ts';
import type { Drivers } from '../drivers/drivers.ts';
import { createExports } from '../export/exports.ts';
import type { Host, Peer } from '../host/ports.ts';
import { ownPlatform } from '../logs/outputs.ts';
import { LogServer } from '../logs/server.ts';
import { Bridges } from '../network/bridges.ts';
import { parseAddress, prefixLengthOfMask } from '../network/ipv4.ts';
import { Networks } from '../network/networks.ts';
import type { RunningRevision } from '../updates/prepared-revision.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { MountLedger } from '../volumes/ledger.ts';
import type { Ground } from './ground.ts';
import { mountHooks } from './hooks.ts';

export interface Machine {
  ledger: MountLedger;
  records: ContainerRecords;
  bridges: Bridges;
  networks: Networks;
  lifecycle: Lifecycle;
  logs: LogServer;
}

/**
 * Makes the machine ready.
 * @param running the revision whose containers are started
 * @param drivers loads what containers need before their start
 * @param post takes what becomes of containers
 */
export async function prepareMachine(
  host: Host,
  ground: Ground,
  running: Pick<RunningRevision, 'current' | 'sourceOf'>,
  drivers: Pick<Drivers, 'prepare'>,
  post: (event: ContainerEvent) => void,
): Promise<Machine> {
  const { board, config, handlers, places, log } = ground;
  const { files, mounts } = host;
  const records = new ContainerRecords(files, places.records);
  const directories = [places.run, places.volumes, places.lxc, places.rootfs, places.configs, places.exports];
  const [layout, withoutProfiles, hooks, ledger] = await Promise.all([
    detectLayout(files),
    isProfileless(host, config.PV_SYSTEM_INIT_MODE),
    mountHooks(files, places.library),
    MountLedger.read(mounts, [places.volumes, places.exports]),
    records.open(),
    ...directories.map((directory) => makeDirectories(files, directory)),
  ]);
  const bridges = new Bridges(host, places.bridges, places.id, log);
  const networks = new Networks(bridges, log);
  const platformOf = async (peer: Peer) => {
    const settled = () => lifecycle.settled();
    const owner = await ownerOf(files, peer, places.controlGroup, () => lifecycle.known(), settled);
    if (owner.kind === 'unknown') return undefined;
    return owner.kind === 'host' ? ownPlatform : owner.name;
  };
  const logs = new LogServer({ host, places, config: ground.liveConfig, outputs: ground.logs, log, platformOf });
  const policy = remountPolicy(host.system.environment);
  const lifecycle: Lifecycle = new Lifecycle({
    host,
    places,
    networks,
    layout,
    get lxcLogLevel() {
      return lxcLogLevel(config.PV_LXC_LOG_LEVEL);
    },
    withoutProfiles,
    mountHooks: hooks,
    get devLog() {
      return config.PV_LOG_AUTO_DEVLOG;
    },
    drivers,
    remountsOf: (container) => remountRules(running.current?.state, container, policy),
    volumes: { host, ledger, handlers },
    diskRoot: (name) => board.diskRoot(name, running.current?.state.disks ?? []),
    handlers: config.PV_SECUREBOOT_HANDLERS,
    sourceOf: (name) => running.sourceOf(name),
    logs: logs.containers,
    attend: createExports(host, places.exports, ledger),
    post,
    log,
  });
  await logs.open();
  return { ledger, records, bridges, networks, lifecycle, logs };
}

/** On a device of our own nobody else has loaded AppArmor profiles; LXC would refuse to start a container without its own ones. */
async function isProfileless({ files }: Pick<Host, 'files'>, mode: string): Promise<boolean> {
  return mode !== 'appengine' && (await files.status('/sys/module/apparmor', { follow: true })) !== undefined;
}

/** Brings up the pools of a revision, then the device's own bridge unless a pool has taken its name (network.md §1, §2). */
export async function openNetworks(
  host: Pick<Host, 'files'>,
  { config, log }: Pick<Ground, 'config' | 'log'>,
  { bridges, networks }: Pick<Machine, 'bridges' | 'networks'>,
  state: State,
  sources: Iterable<ContainerSource>,
): Promise<void> {
  await networks.open(state.pools);
  const { PV_NET_BRDEV: name, PV_NET_BRADDRESS4: address, PV_NET_BRMASK4: mask } = config;
  const [own, prefixLength] = [parseAddress(address), prefixLengthOfMask(mask)];
  if (name !== '' && own !== undefined && prefixLength !== undefined)
    await bridges.open({ name, address: own, prefixLength });
  else
    log('WARN', 'network', `cannot set up bridge ${JSON.stringify(name)}: ${address} with mask ${mask} is no address`);
  if (state.pools.length > 0) await reserveAddresses(host, networks, sources);
}

/** Keeps addresses that configurations of containers use out of the pools. */
export async function reserveAddresses(
  host: Pick<Host, 'files'>,
  networks: Networks,
  sources: Iterable<ContainerSource>,
): Promise<void> {
  for (const source of sources) {
    // A configuration that cannot be read is said when its container is to be started.
    const lines = await readStateConfig(host.files, source).catch(() => parseLxcConfig(''));
    networks.reserve(source.container.name, bakedAddresses(lines));
  }
}
