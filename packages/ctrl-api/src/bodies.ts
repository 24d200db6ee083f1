/** JSON bodies of the control socket, as they are on the wire (control.md §5). */

export type ContainerStatusName =
  | 'NONE'
  | 'INSTALLED'
  | 'MOUNTED'
  | 'BLOCKED'
  | 'STARTING'
  | 'STARTED'
  | 'READY'
  | 'RECOVERING'
  | 'STOPPING'
  | 'STOPPED'
  | 'UNKNOWN';

/** `reboot`, `never`, or a pause as `<n>s`, `<n>min`, `<n>h` in the largest unit that is exact. */
export type BackoffPolicyText = string;

/** One element of `GET /containers`. */
export interface ContainerJson {
  name: string;
  group: string | null;
  status: ContainerStatusName;
  status_goal: ContainerStatusName;
  restart_policy: 'system' | 'container' | 'unknown';
  roles: string[];
  /** Absent when the policy is `no`. */
  auto_recovery?: {
    policy: 'always' | 'on-failure' | 'unless-stopped';
    /** 0 means without limit. */
    max_retries: number;
    current_retries: number;
    /** Seconds. */
    stable_timeout: number;
    is_stable: 'true' | 'false';
    backoff_policy: BackoffPolicyText;
  };
  /** Only when the restart policy is `container`. */
  user_stopped?: 'true' | 'false';
}

/** One element of `GET /containers?detail=1`; our own addition. */
export interface ContainerDetailJson extends ContainerJson {
  /** Process id of its init as the runtime sees it; null while it does not run. */
  pid: number | null;
  /** Unix time in seconds at which its init was started; null while it does not run. */
  started_at: number | null;
  /** Bytes in use; null when it does not run or the kernel does not tell. */
  memory: number | null;
}

/** One element of `GET /groups`. */
export interface GroupJson {
  name: string;
  status_goal: ContainerStatusName;
  restart_policy: 'system' | 'container' | 'unknown';
  status: ContainerStatusName;
  auto_recovery?: { max_retries: number; stable_timeout: number; backoff_policy: BackoffPolicyText };
}

export type ContainerAction = 'start' | 'stop' | 'restart';

/** Body of `POST /signal`. */
export interface SignalBody {
  type: 'ready' | 'alive';
  payload?: string;
}

/** One element of `GET /objects`. */
export interface ObjectJson {
  sha256: string;
  /** Bytes, as decimal text. */
  size: string;
}

/** Answer to `GET /steps/{rev}/progress`, and part of `GET /steps`. */
export interface ProgressJson {
  status: 'NEW' | 'QUEUED' | 'DOWNLOADING' | 'INPROGRESS' | 'TESTING' | 'UPDATED' | 'DONE' | 'WONTGO' | 'ERROR';
  'status-msg': string | null;
  /** 0 to 100, fixed by the status. */
  progress: number;
  retries: number;
  /** Only while DOWNLOADING. */
  downloads?: {
    total: {
      object_name: 'total';
      object_id: 'none';
      total_size: number;
      total_downloaded: number;
      start_time: number;
      current_time: number;
    };
  };
  /** Newline-separated JSON log records. */
  logs?: string;
}

/** One element of `GET /steps`. */
export interface StepJson {
  name: string;
  /** `%Y-%m-%dT%H:%M:%SZ`, in the device's local time despite the Z. */
  date: string;
  commitmsg: string;
  progress: ProgressJson | Record<string, never>;
}

/** Answer to `GET /user-meta` and `GET /device-meta`: JSON objects and arrays as they are, everything else as text. */
export type MetadataJson = Record<string, string | object>;

/** Text of `GET /buildinfo`; not JSON. */
export type BuildInfoText = string;

/** Operations of `POST /commands`, in the original's numeric order from 1. */
export const commandOperations = [
  'UPDATE_METADATA',
  'REBOOT_DEVICE',
  'POWEROFF_DEVICE',
  'TRY_ONCE',
  'LOCAL_RUN',
  'MAKE_FACTORY',
  'RUN_GC',
  'ENABLE_SSH',
  'DISABLE_SSH',
  'GO_REMOTE',
  'DEFER_REBOOT',
  'LOCAL_RUN_COMMIT',
  'LOCAL_APPLY',
  'XCONNECT_GRAPH',
  'UNCLAIM',
] as const;
export type CommandOperation = (typeof commandOperations)[number];

/** Body of `POST /commands`. */
export interface CommandBody {
  op: CommandOperation;
  payload: string | Record<string, string>;
}

/** One element of `GET /config2`. */
export interface ConfigEntryJson {
  key: string;
  value: string;
  modified: string;
}

/** Answer to `GET /config`, by older names. */
export type ConfigJson = Record<string, string | number | boolean | null>;

/** One element of `GET /xconnect-graph`. */
export interface GraphLinkJson {
  consumer: string;
  /** Pid of its init on the host; -1 while it does not run. */
  consumer_pid: number;
  provider: string;
  provider_pid: number;
  /** Of the service. */
  name: string;
  /** As the provider exports it: rest, dbus, unix, drm, wayland, input, or unknown. */
  type: string;
  role: string;
  interface: string;
  /** Path inside the consumer. */
  target: string | null;
  /** Path inside the provider. */
  socket: string | null;
}

/** One element of `GET /daemons`. */
export interface DaemonJson {
  name: string;
  /** 0: not running; -1: ended and not to be started again. */
  pid: number;
  respawn: boolean;
}

/** One element of `GET /drivers`. */
export interface DriverJson {
  name: string;
  type: 'REQUIRED' | 'OPTIONAL' | 'MANUAL';
  status: 'LOADED' | 'UNLOADED' | 'UNKNOWN';
}

/** What may keep a device awake, in the order of the wire. */
export const wakeScopes = [
  'boot',
  'update',
  'update_check',
  'devmeta',
  'usrmeta',
  'shutdown',
  'debug_shell',
  'poll',
] as const;
export type WakeScope = (typeof wakeScopes)[number];

/** Answer to `GET /wakelocks`. */
export interface WakeLocksJson {
  mode: 'disabled' | 'locks' | 'managed';
  /** Scopes that hold the lock. */
  count: number;
  /** The kernel offers no wake locks: scopes are only counted. */
  degraded: boolean;
  /** The kernel may suspend the machine by itself. */
  autosleep: boolean;
  settling: boolean;
  polling: boolean;
  run_window: boolean;
  held: Record<WakeScope, boolean>;
}

/** Answer to `POST /storage/gc`. */
export interface GarbageJson {
  /** Bytes of removed objects. */
  reclaimed: number;
}

/** Body of every refusal. */
export interface ErrorJson {
  Error: string;
}
