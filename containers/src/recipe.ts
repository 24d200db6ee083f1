/**
 * What a container or a revision is to be made of, as plain data. `revision.ts` turns it into a state and its objects.
 */

/** Files that go into a root file system, besides the skeleton that every one gets. */
export interface RootfsRecipe {
  /** Installed Debian packages whose programs go in, together with the shared libraries they need. */
  packages?: string[];
  /** Absolute paths of directories that are copied over the root, later ones win. Only the executable bit of a file's mode counts. */
  trees?: string[];
  /** Text files by absolute path; they win over everything else. */
  files?: Record<string, { text: string; executable?: boolean }>;
}

/** How a container reaches the network: the host's own interfaces, none but loopback, or a veth pair on the device's bridge. */
export type NetworkRecipe = 'host' | 'none' | { hostNumber: number };

/** `auto_recovery` of run.json, in the words of the file (state-format.md §5.4). Times in seconds. */
export interface AutoRecoveryRecipe {
  policy: 'no' | 'always' | 'on-failure' | 'unless-stopped';
  max_retries?: number;
  retry_delay?: number;
  backoff_factor?: number;
  reset_window?: number;
  stable_timeout?: number;
  backoff_policy?: string;
}

export interface ContainerRecipe {
  name: string;
  rootfs: RootfsRecipe;
  /** PID 1 with its arguments. Default `/sbin/init`. */
  init?: string[];
  /** Default: left out of run.json, so that the device assigns one (state-format.md §6). */
  group?: string;
  statusGoal?: 'MOUNTED' | 'STARTED' | 'READY';
  restartPolicy?: 'system' | 'container';
  /** Default `nobody`; `mgmt` may use the whole control socket. */
  role?: 'mgmt' | 'nobody';
  autoRecovery?: AutoRecoveryRecipe;
  /** Persistence by path inside the container, e.g. `{"/var/lib/web": "permanent"}`. */
  volumes?: Record<string, 'permanent' | 'revision' | 'boot'>;
  /** Persistence of everything that the container writes elsewhere. Default `boot`. */
  overlay?: 'permanent' | 'revision' | 'boot';
  environment?: Record<string, string>;
  /** Default `none`. */
  network?: NetworkRecipe;
  /** Files laid over the root file system by the state (`_config/<name>/…`), by absolute path. */
  config?: Record<string, string>;
  /** Lines added to the LXC configuration as they are. */
  lxcLines?: string[];
  /** Members that replace or extend those of run.json. */
  runJson?: Record<string, unknown>;
}

/** The device's bridge, as `PV_NET_BRDEV` and `PV_NET_BRADDRESS4` name it. */
export interface BridgeNetwork {
  bridge: string;
  /** First three numbers of a /24, e.g. `10.0.3`; the bridge has `.1`. */
  prefix: string;
}

export interface GroupRecipe {
  name: string;
  status_goal?: 'MOUNTED' | 'STARTED' | 'READY';
  restart_policy?: 'system' | 'container';
  timeout?: number;
  auto_recovery?: AutoRecoveryRecipe;
  description?: string;
}

export interface RevisionRecipe {
  containers: ContainerRecipe[];
  /** Default: the original's four groups data, root, platform and app. */
  groups?: GroupRecipe[];
  /** Default: bridge `lxcbr0`, prefix `10.0.3`. */
  network?: BridgeNetwork;
  /** Members that replace or extend those of device.json. */
  deviceJson?: Record<string, unknown>;
  /** Top-level members that replace or extend those of the state; `undefined` removes one. */
  extra?: Record<string, unknown>;
}

/** The original's groups (state-format.md §6), with the time-outs of its shipped default. */
export const defaultGroups: GroupRecipe[] = [
  { name: 'data', status_goal: 'MOUNTED', restart_policy: 'system', timeout: 30 },
  { name: 'root', status_goal: 'STARTED', restart_policy: 'system', timeout: 30 },
  { name: 'platform', status_goal: 'STARTED', restart_policy: 'system', timeout: 30 },
  {
    name: 'app',
    status_goal: 'STARTED',
    restart_policy: 'container',
    timeout: 30,
    auto_recovery: {
      policy: 'on-failure',
      max_retries: 5,
      retry_delay: 5,
      backoff_factor: 2,
      stable_timeout: 30,
      backoff_policy: 'reboot',
    },
  },
];

/** The bridge that a device makes when nothing else is configured (network.md §1). */
export const defaultNetwork: BridgeNetwork = { bridge: 'lxcbr0', prefix: '10.0.3' };
