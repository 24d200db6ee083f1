/** Sources of configuration that come after process start: the Hub's file and the OEM file of a revision (config.md §3, §8). */
import { type Files, HostError } from '../host/ports.ts';
import { levelSets } from './key-spec.ts';
import { parseCommandLine, parseFile } from './source.ts';
import type { Applied, ConfigStore } from './store.ts';
import { configKeys, type DeviceConfig } from './table.ts';

const fileLimit = 1024 * 1024;

/** Path of the OEM file inside a revision, or undefined when no OEM is named. */
export function oemFilePath(config: DeviceConfig, revision: string): string | undefined {
  const { PV_OEM_NAME: oem, PV_STORAGE_MNTPOINT: storage, PV_POLICY: policy } = config;
  if (!oem || storage === undefined) return undefined;
  return `${storage}/trails/${revision}/${oem}/${policy || 'default'}.config`;
}

/**
 * Takes the OEM file of a revision over; values of the OEM file before it no longer count. A missing file is no mistake.
 * @throws HostError when the file is there and cannot be read
 */
export async function loadOemFile(
  files: Pick<Files, 'readText'>,
  store: ConfigStore,
  revision: string,
): Promise<Applied & { path: string | undefined }> {
  const path = oemFilePath(store.snapshot(), revision);
  let text: string | undefined;
  if (path !== undefined) {
    try {
      text = await files.readText(path, fileLimit);
    } catch (error) {
      if (!(error instanceof HostError && error.code === 'ENOENT')) throw error;
    }
  }
  const read = path === undefined || text === undefined ? undefined : { path, ...parseFile(text, path) };
  const applied = store.apply(read?.settings ?? [], 'oem config', { replace: true });
  return {
    warnings: [...(read?.warnings ?? []), ...applied.warnings],
    sysctls: applied.sysctls,
    path: read?.path,
  };
}

/**
 * Takes the Hub's file (pantahub.config or unclaimed.config) over, then the `ph_` tokens of the kernel command line.
 * @param text content of the file, or undefined when there is none
 */
export function applyHubFile(store: ConfigStore, text: string | undefined, path: string, cmdline: string): Applied {
  const parsed = text === undefined ? { settings: [], warnings: [] } : parseFile(text, path);
  const fromFile = store.apply(parsed.settings, 'ph conf file');
  const fromCommandLine = store.apply(parseCommandLine(cmdline, 'ph_'), 'ph cmdline');
  return {
    warnings: [...parsed.warnings, ...fromFile.warnings, ...fromCommandLine.warnings],
    sysctls: [...fromFile.sysctls, ...fromCommandLine.sysctls],
  };
}

/** Content of pantahub.config: the effective value of each key that the file may set; unset texts are left out (config.md §8). */
export function formatHubFile(config: DeviceConfig): string {
  const values: Record<string, DeviceConfig[keyof DeviceConfig]> = config;
  return configKeys
    .filter((row) => levelSets[row.levels].some((level) => level === 'ph conf file'))
    .flatMap(({ key }) => (values[key] === undefined ? [] : [`${key}=${values[key]}\n`]))
    .join('');
}
