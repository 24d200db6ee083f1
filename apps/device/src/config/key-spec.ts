/** What the table of configuration keys says about one key, and the TypeScript type of its value. */

/** Where a value comes from, lowest rank first: a higher one wins whatever the order of loading (config.md §2). */
export const levels = [
  'default',
  'args',
  'pv conf file',
  'ph conf file',
  'hub client',
  'policy',
  'oem config',
  'pv cmdline',
  'ph cmdline',
  'env',
  'metadata',
  'command',
] as const;
export type Level = (typeof levels)[number];

/** Named sets of levels at which a key may be set (config.md §1); `default`, `args` and `hub client` are the program's own. */
export const levelSets = {
  PV: ['pv conf file', 'policy', 'pv cmdline', 'env'],
  'PV+OEM': ['pv conf file', 'policy', 'oem config', 'pv cmdline', 'env'],
  'PV+OEM+RUN': ['pv conf file', 'policy', 'oem config', 'pv cmdline', 'env', 'metadata', 'command'],
  'PH+OEM': ['ph conf file', 'policy', 'oem config', 'ph cmdline', 'env'],
  'PH+OEM+RUN': ['ph conf file', 'policy', 'oem config', 'ph cmdline', 'env', 'metadata', 'command'],
} as const satisfies Record<string, readonly Level[]>;
export type LevelSet = keyof typeof levelSets;

/** Names of the closed sets of values; the number of a name on the wire is its position. */
export const bootLoaders = ['uboot', 'uboot-pvk', 'grub', 'rpiab', 'uboot-ab'] as const;
export const secureBootModes = ['disabled', 'audit', 'lenient', 'strict'] as const;
export const initModes = ['embedded', 'standalone', 'appengine'] as const;
export const powerModes = ['disabled', 'locks', 'managed'] as const;
export const watchdogModes = ['disabled', 'shutdown', 'startup', 'always'] as const;
export const logTimestamps = ['relative', 'absolute'] as const;

/** Places that log lines can go to; the bit of a name on the wire is 1 shifted by its position. */
export const logOutputs = [
  'nullsink',
  'singlefile',
  'filetree',
  'stdout',
  'stdout.containers',
  'stdout.pantavisor',
  'stdout_direct',
] as const;
export type LogOutput = (typeof logOutputs)[number];

interface KeyCommon {
  key: string;
  /** Where it may be set. */
  levels: LevelSet;
  /** Older names, still read; the first is the name in `GET /config`. */
  aliases: readonly string[];
  /** Never shown in clear but to root on the host. */
  secret?: true;
  /** One sentence for documentation and `--help`. */
  doc: string;
}

/** One row of the table. `seconds` values may be written with a unit (s, min, h, d). */
export type KeySpec = KeyCommon &
  (
    | { kind: 'bool'; default: boolean }
    | { kind: 'int'; default: number }
    | { kind: 'seconds'; default: number }
    | { kind: 'text'; default?: string }
    | { kind: 'choice'; choices: readonly string[]; default: string }
    | { kind: 'outputs'; default: readonly LogOutput[] }
  );

/** Type of the value of a key, from its row. */
export type ValueOf<S extends KeySpec> = S extends { kind: 'bool' }
  ? boolean
  : S extends { kind: 'int' | 'seconds' }
    ? number
    : S extends { kind: 'text'; default: string }
      ? string
      : S extends { kind: 'text' }
        ? string | undefined
        : S extends { kind: 'choice'; choices: readonly (infer C)[] }
          ? C
          : S extends { kind: 'outputs' }
            ? readonly LogOutput[]
            : never;

/** Any value that a key can have. */
export type ConfigValue = boolean | number | string | undefined | readonly LogOutput[];
