/**
 * What a state document means once it is read: plain data, no methods. `parseState` makes it, everything else reads it.
 * Names follow the state format (spec: state-format.md); optional members are absent, never null.
 */

/** Value of the root member `#spec`. */
export type StateSpec = 'pantavisor-service-system@1' | 'pantavisor-multi-platform@1';

/** Ordered goals that a container can be asked to reach (containers.md §1). */
export type StatusGoal = 'MOUNTED' | 'STARTED' | 'READY';

/** What a change or an unrecovered exit of a container means for the device (state-format.md §5). */
export type RestartPolicy = 'system' | 'container';

export type RecoveryPolicy = 'no' | 'always' | 'on-failure' | 'unless-stopped';

/** What happens when the retries of a container are used up: reboot the device, give up, or try again after a pause. */
export type BackoffPolicy = { kind: 'reboot' } | { kind: 'never' } | { kind: 'after'; seconds: number };

/** Automatic recovery of a container or group default (state-format.md §5.4). Times in seconds. */
export interface AutoRecovery {
  policy: RecoveryPolicy;
  /** 0 means without limit. */
  maxRetries: number;
  retryDelay: number;
  /** Only values above 1 have an effect. */
  backoffFactor: number;
  resetWindow: number;
  stableTimeout: number;
  backoffPolicy: BackoffPolicy;
}

export interface Group {
  name: string;
  statusGoal: StatusGoal;
  restartPolicy: RestartPolicy;
  /** Seconds a member may take to reach its goal, counted from its start. */
  timeout: number;
  autoRecovery?: AutoRecovery;
}

/** How a volume entry of a container is brought into being (containers.md §2). */
export type VolumeKind = 'bind' | 'data' | 'image';

/** One entry of `root-volume` or `volumes`: `[handler:]file`. */
export interface ImageVolume {
  source: 'image';
  /** Text before the colon, e.g. `dm`; absent when there is none. */
  handler?: string;
  /** File name without the handler; relative to the container's directory. */
  file: string;
  kind: VolumeKind;
  /** File system of an image: the text after the last dot, e.g. `squashfs`. */
  filesystem: string;
  root: boolean;
}

/** One entry of `storage`. */
export interface StorageVolume {
  source: 'storage';
  /** Key of the entry: path below the volume directory of the container, e.g. `lxc-overlay` or `docker--var-lib`. */
  name: string;
  persistence: 'permanent' | 'revision' | 'boot';
  /** Name of the disk, aliases already resolved when the disk is known. */
  disk?: string;
}

export type Volume = ImageVolume | StorageVolume;

export interface ServiceRequirement {
  name: string;
  /** As declared; of no effect, since the type of the export counts (xconnect.md §2.2). */
  type?: string;
  /** `any` when none is given. */
  role: string;
  interface?: string;
  target?: string;
  required: boolean;
}

export type ServiceExport =
  | { kind: 'socket'; name: string; type: string; socket?: string }
  | { kind: 'bus-name'; type: string; bus: string; owns: string; role?: string; allow: string[] };

export interface ContainerNetwork {
  mode: 'host' | 'pool' | 'none';
  pool?: string;
  hostname?: string;
  /** Static address, with or without `/prefix`. */
  ip?: string;
  mac?: string;
}

/** One entry of `logs`: which file inside the container to follow. */
export interface LogSource {
  file: string;
  name?: string;
  truncate: boolean;
  maxSize: number;
}

export interface Container {
  /** Value of `name`; the identity of the container everywhere. */
  name: string;
  /** Directory part of its `run.json` in the state; usually equal to the name. */
  directory: string;
  type: string;
  /** LXC configuration file, relative to the directory. Empty only for a container that is mounted and never started. */
  config: string;
  group: string;
  statusGoal: StatusGoal;
  restartPolicy: RestartPolicy;
  /** True when the container may use the whole control socket. */
  mgmt: boolean;
  /** Own recovery rule; the group's applies when the own policy is `no` (taken over at start time). */
  autoRecovery: AutoRecovery;
  /** In mount order: root volume, volumes, storage. */
  volumes: Volume[];
  network?: ContainerNetwork;
  logs: LogSource[];
  drivers: { required: string[]; optional: string[]; manual: string[] };
  requires: ServiceRequirement[];
  provides: ServiceExport[];
  /** Paths below the container's root that are exported to the host. */
  exports: string[];
  /** Absent: the configuration key PV_LOG_AUTO_DEVLOG decides. */
  devLog?: boolean;
  /** Bind the host's firmware and modules into the container. */
  autoModulesFirmware: boolean;
  /** Remount policies of this container by name (boot.md §9); they come after those of the device. */
  remount: Record<string, RemountRule[]>;
}

/** One entry of a remount policy: which mount points of the container, and the mount options they get. */
export interface RemountRule {
  /** POSIX extended regular expression below the root of the container. */
  path: string;
  /** Comma-separated mount options, e.g. `nosuid,ro`. */
  options: string;
}

export interface Disk {
  name: string;
  type: 'dm-crypt-versatile' | 'dm-crypt-caam' | 'dm-crypt-dcp' | 'swap-disk' | 'volume-disk' | 'dual' | 'directory';
  mode: 'mainline' | 'nxp' | 'unknown';
  format?: string;
  path?: string;
  uuid?: string;
  mountTarget?: string;
  mountOptions?: string;
  formatOptions?: string;
  provisionOptions?: string;
  provision?: string;
  default: boolean;
  migrateKeyblob: boolean;
  aliases: string[];
  /** Only of a dual disk. */
  disks: string[];
  initOrder: string[];
}

export interface NetworkPool {
  name: string;
  type: 'bridge' | 'macvlan';
  bridge?: string;
  parent?: string;
  /** `a.b.c.d/n` */
  subnet: string;
  gateway: string;
  nat: boolean;
}

/** Board support part: which files the boot loader starts (state-format.md §7). */
export interface Bsp {
  image:
    | { kind: 'fit'; fit: string }
    | { kind: 'rpiab'; image: string }
    | { kind: 'linux'; kernel: string; initrd: string; fdt?: string };
  firmware?: string;
  /** Volume of kernel modules; `modulesFor` holds `modules_<release>` members by release. */
  modules?: string;
  modulesFor: Record<string, string>;
  addons: string[];
}

/** A key of the state whose value is the id (SHA-256, 64 hex digits) of an object. */
export interface ObjectEntry {
  path: string;
  id: string;
  /** Name of the owning container, or absent when the board support part or nobody owns it. */
  owner?: string;
}

/** A key of the state whose JSON value is kept as the exact bytes of the document. */
export interface InlineJson {
  path: string;
  /** Byte-exact slice of the source text. */
  text: string;
  owner?: string;
}

/** A state that can be run. */
export interface State {
  spec: StateSpec;
  /** The document as it was given, byte exact. */
  text: string;
  groups: Group[];
  /** In document order of their run.json. */
  containers: Container[];
  disks: Disk[];
  /** `volumes` of device.json: storage without an owner, mounted under `bsp`. */
  deviceVolumes: StorageVolume[];
  pools: NetworkPool[];
  /** Remount policies for all containers by name, from device.json. */
  remount: Record<string, RemountRule[]>;
  bsp?: Bsp;
  /** Driver alias to module strings, from bsp/drivers.json. */
  drivers: Record<string, string[]>;
  objects: ObjectEntry[];
  inline: InlineJson[];
}

/** One thing that is wrong, or doubtful, in a document. */
export interface Problem {
  /** `error`: the state is rejected; `warning`: read on with a default. */
  severity: 'error' | 'warning';
  /** Member names from the root joined as a JSON Pointer (RFC 6901), e.g. `/app~1run.json/status_goal`. */
  path: string;
  /** Stable name of the rule that was broken, e.g. `group-unknown`. All rules are listed in one table. */
  rule: string;
  /** One sentence with the value that was found. */
  message: string;
  /** What the author can do. */
  hint?: string;
  /** Place in the text, both from 1, columns in UTF-16 units; absent when the problem is not at one place. */
  line?: number;
  column?: number;
}

/** What a parser needs to know about the device that will run the state. */
export interface ParseContext {
  initMode: 'embedded' | 'standalone' | 'appengine';
  /** `PV_BOOTLOADER_TYPE`; only matters for the image set of the board support part. */
  bootloader?: string;
  /** `PV_BOOTLOADER_FITCONFIG`; selects the `fitconfig:` section of bsp/drivers.json. */
  fitConfig?: string;
  /** Device tree that the boot loader reports (`pv_bootloader.dtb=`); selects the `dtb:` section of bsp/drivers.json. */
  deviceTree?: string;
  /** Device tree overlays that the boot loader reports (`pv_bootloader.ovl=`); select `ovl:` sections. */
  overlays?: string[];
  /** `PV_UPDATER_GOALS_TIMEOUT`, seconds: default of a group's timeout. Default 120. */
  goalsTimeout?: number;
  /** Text of the device's default groups file, replacing the built-in data, root, platform, app. */
  defaultGroups?: string;
}

export interface ParseResult {
  /** Absent when a problem of severity error was found. */
  state?: State;
  /** Every problem found, in document order. */
  problems: Problem[];
}
