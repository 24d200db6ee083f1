/** What the kernel has to be told so that logs reach its console, and its log takes all of ours (logs.md §5). */
import type { DeviceConfig } from '../config/table.ts';
import type { Files } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import { isCode, readIfThere } from '../storage/durable.ts';

/** Messages of every level go to the console. */
const ignoreLevel = '/sys/module/printk/parameters/ignore_loglevel';
/** /dev/kmsg takes as much as is written to it (Documentation/admin-guide/kernel-parameters: printk.devkmsg). */
const noLimit = '/proc/sys/kernel/printk_devkmsg';

type Settings = Pick<
  DeviceConfig,
  'PV_LOG_SERVER_OUTPUTS' | 'PV_LOG_CAPTURE_DMESG' | 'PV_LOG_CAPTURE' | 'PV_SYSTEM_INIT_MODE'
>;

/** Settings of the kernel that the outputs need; none in app-engine mode, where the kernel is somebody else's. */
export function kernelSettings(config: Settings): [path: string, value: string][] {
  const { PV_LOG_SERVER_OUTPUTS: outputs, PV_SYSTEM_INIT_MODE: mode } = config;
  if (mode === 'appengine') return [];
  const prints = outputs.some((output) => output.startsWith('stdout'));
  const floods = outputs.some((output) => output === 'stdout' || output === 'stdout_direct');
  const captures = config.PV_LOG_CAPTURE && config.PV_LOG_CAPTURE_DMESG;
  return [
    ...(prints ? [[ignoreLevel, 'Y'] as [string, string]] : []),
    ...(floods || captures ? [[noLimit, 'on'] as [string, string]] : []),
  ];
}

/** Tells the kernel what it does not have yet. What it does not take is said: logs go on without. */
export async function tellKernel(files: Files, config: Settings, log: Log): Promise<void> {
  for (const [path, value] of kernelSettings(config)) {
    try {
      // The parameter printk.devkmsg of the kernel locks the setting, also for the same value.
      if ((await readIfThere(files, path))?.trim() === value) continue;
      // printk_devkmsg takes nothing but whole lines.
      await files.write(path, `${value}\n`);
    } catch (error) {
      // A kernel without the setting has no such limit.
      if (isCode(error, 'ENOENT')) continue;
      log('WARN', 'logs', `cannot set up the kernel's log: ${error instanceof Error ? error.message : error}`);
    }
  }
}
