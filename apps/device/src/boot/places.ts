/** Where everything of one device lives on the machine (storage.md, table of directories). */
import type { ConfigStore } from '../config/store.ts';
import type { ConfigKey, DeviceConfig } from '../config/table.ts';
import type { Hashing } from '../host/ports.ts';

/** Absolute directories, without a slash at the end. */
export interface Places {
  /** Tells this device from others on the same machine: 8 hex digits, the same for the same storage. */
  id: string;
  storage: string;
  /** Directory of all that is gone after a restart of the machine. */
  base: string;
  /** True when `base` is this device's alone, so that it goes when the device stops. */
  baseIsOwn: boolean;
  logs: string;
  /** `<R>`: control socket and what containers see as /pantavisor. */
  run: string;
  media: string;
  configs: string;
  volumes: string;
  exports: string;
  /** Directory that LXC works in, one directory per container. */
  lxc: string;
  /** Empty directory on which LXC builds root file systems, each in its own mount namespace. */
  rootfs: string;
  /** Small files that let a new runtime find what an earlier one left running. */
  records: string;
  /** Shared by all devices of the machine: who uses which bridge. */
  bridges: string;
  /** `<L>/pv`: hooks and volume handlers of the installation. */
  library: string;
  userMeta: string;
  deviceMeta: string;
  /** Control group below which all containers of this device are. */
  controlGroup: string;
}

/** Paths that appear in LXC configurations of states, as the original's image has them, by the place that stands for them here. */
export const statePaths: readonly [path: string, place: 'volumes' | 'configs' | 'exports' | 'storage'][] = [
  ['/volumes', 'volumes'],
  ['/configs', 'configs'],
  ['/exports', 'exports'],
  ['/storage', 'storage'],
];

/** Longest path of a unix socket: `sun_path` less the terminating zero (unix(7)). */
export const socketPathLimit = 107;

/**
 * Decides where things go. In app-engine mode whatever is not configured goes to a directory of this storage's own below
 * /run/pantavisor, so that several devices on one machine do not meet.
 * @param storage directory of the storage, absolute, symbolic links resolved
 */
export function choosePlaces(store: ConfigStore, storage: string, hashing: Hashing): Places {
  const config: DeviceConfig = store.snapshot();
  const id = hashing.sha256(storage).slice(0, 8);
  const own = config.PV_SYSTEM_INIT_MODE === 'appengine';
  const base = own ? `/run/pantavisor/${id}` : '/run/pantavisor';
  const isSet = (key: ConfigKey) => store.levelOf(key) !== 'default';
  const pick = (key: ConfigKey, value: string | undefined, name: string) =>
    trim(own && !isSet(key) ? `${base}/${name}` : (value ?? `${base}/${name}`));
  const inStorage = (key: ConfigKey, value: string, name: string) =>
    trim(own && !isSet(key) ? `${storage}/${name}` : value);
  return {
    id,
    storage,
    base,
    baseIsOwn: own,
    logs: inStorage('PV_LOG_DIR', config.PV_LOG_DIR, 'logs'),
    run: pick('PV_SYSTEM_RUNDIR', config.PV_SYSTEM_RUNDIR, 'pv'),
    media: pick('PV_SYSTEM_MEDIADIR', config.PV_SYSTEM_MEDIADIR, 'media'),
    configs: pick('PV_SYSTEM_CONFDIR', config.PV_SYSTEM_CONFDIR, 'configs'),
    volumes: pick('PV_DISK_VOLDIR', config.PV_DISK_VOLDIR, 'volumes'),
    exports: pick('PV_DISK_EXPORTSDIR', config.PV_DISK_EXPORTSDIR, 'exports'),
    lxc: isSet('PV_SYSTEM_USRDIR') ? `${trim(config.PV_SYSTEM_USRDIR)}/var/lib/lxc` : `${base}/lxc`,
    rootfs: `${base}/rootfs`,
    records: `${base}/records`,
    bridges: '/run/pantavisor/bridges',
    library: `${trim(config.PV_SYSTEM_LIBDIR)}/pv`,
    userMeta: inStorage('PV_CACHE_USRMETADIR', config.PV_CACHE_USRMETADIR, 'cache/usrmeta'),
    deviceMeta: inStorage('PV_CACHE_DEVMETADIR', config.PV_CACHE_DEVMETADIR, 'cache/devmeta'),
    controlGroup: `pantavisor-${id}`,
  };
}

const trim = (path: string) => path.replace(/(?<=.)\/+$/, '');
