/** The one table of configuration keys: it drives parsing, `/config`, `/config2`, documentation and `--help` (config.md §9). */
import type { KeySpec, ValueOf } from './key-spec.ts';
import { bootAndDebugKeys } from './keys-boot-debug.ts';
import { hubKeys } from './keys-hub.ts';
import { logAndNetworkKeys } from './keys-log-network.ts';
import { powerAndStorageKeys } from './keys-power-storage.ts';
import { systemKeys } from './keys-system.ts';

const rows = [...hubKeys, ...bootAndDebugKeys, ...logAndNetworkKeys, ...powerAndStorageKeys, ...systemKeys] as const;

/** Every key, in the fixed order of listings and of pantahub.config. */
export const configKeys: readonly KeySpec[] = rows;

type Row = (typeof rows)[number];

/** Name of a key, e.g. `PV_LOG_LEVEL`. */
export type ConfigKey = Row['key'];

/** All values at one moment; times in seconds. Frozen. */
export type DeviceConfig = { readonly [R in Row as R['key']]: ValueOf<R> };

const byName: ReadonlyMap<string, KeySpec> = new Map(configKeys.map((row) => [row.key, row]));
const byAlias: ReadonlyMap<string, KeySpec> = new Map(
  configKeys.flatMap((row) => row.aliases.map((alias): [string, KeySpec] => [alias, row])),
);

/**
 * Finds the row of a name as a person wrote it: the key in any case, or an alias in its exact case (config.md §4).
 * @returns the row and whether an older name was used; undefined for an unknown name
 */
export function findKey(name: string): { row: KeySpec; legacy: boolean } | undefined {
  const row = byName.get(name.toUpperCase());
  if (row) return { row, legacy: false };
  const aliased = byAlias.get(name);
  return aliased && { row: aliased, legacy: true };
}

/** The row of a key that is known to exist. */
export function rowOf(key: ConfigKey): KeySpec {
  return byName.get(key)!;
}
