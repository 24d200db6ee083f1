/** The configuration as it is at the moment of reading, for rooms that live as long as the device. */
import type { ConfigStore } from './store.ts';
import { configKeys, type DeviceConfig } from './table.ts';

/** An object whose members always give the present values of the store; a room that keeps it follows every change. */
export function liveConfig(store: Pick<ConfigStore, 'snapshot'>): DeviceConfig {
  const live = {};
  const values = (): Record<string, unknown> => store.snapshot();
  for (const { key } of configKeys) Object.defineProperty(live, key, { enumerable: true, get: () => values()[key] });
  // Every key of the table has its member now.
  return Object.freeze(live) as DeviceConfig;
}
