/** Kernel parameters in configuration: `PV_SYSCTL_A_B_C` and `sysctl.a.b.c` (config.md §7). */
import type { Files } from '../host/ports.ts';
import type { Setting } from './source.ts';
import type { ConfigWarning } from './warning.ts';

/** A setting whose name means a kernel parameter. */
export type SysctlSetting = Setting;

const upperPrefix = /^PV_SYSCTL_/i;
const dottedPrefix = 'sysctl.';

/** Whether a name means a kernel parameter and not a key of the table. */
export function isSysctl(name: string): boolean {
  return upperPrefix.test(name) || name.startsWith(dottedPrefix);
}

/**
 * The file of a kernel parameter. In the underscore form each `_` becomes `/` as long as the path so far is a directory.
 * @returns a path below /proc/sys, or undefined when the name has empty parts or leaves that directory
 */
export async function sysctlPath(files: Pick<Files, 'status'>, name: string): Promise<string | undefined> {
  const dotted = name.startsWith(dottedPrefix);
  const words = dotted
    ? name.slice(dottedPrefix.length).split('.')
    : name.replace(upperPrefix, '').toLowerCase().split('_');
  if (words.some((word) => word === '' || word === '..' || word.includes('/') || word.includes('\0'))) return undefined;
  let path = '/proc/sys';
  let separator = '/';
  for (const word of words) {
    path += separator + word;
    const isDirectory = dotted || (await files.status(path, { follow: true }))?.kind === 'directory';
    separator = isDirectory ? '/' : '_';
  }
  return path;
}

/** Writes kernel parameters in the given order. What the kernel refuses is reported and skipped. */
export async function writeSysctls(
  files: Pick<Files, 'status' | 'write'>,
  settings: readonly SysctlSetting[],
): Promise<ConfigWarning[]> {
  const warnings: ConfigWarning[] = [];
  for (const { name, value, source, line } of settings) {
    const place = { source, ...(line === undefined ? {} : { line }), key: name };
    const path = await sysctlPath(files, name);
    try {
      if (path === undefined) throw new RangeError('the name is not that of a kernel parameter');
      await files.write(path, value);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `cannot set the kernel parameter ${path ?? name}: ${reason}`;
      warnings.push({ code: 'sysctl-refused', severity: 'warning', ...place, message });
    }
  }
  return warnings;
}
