/** Mode standalone: a shell on the console and nothing else, for whoever brings up a board (boot.md §2). */
import type { DeviceConfig } from '../config/table.ts';
import { ConsoleShell } from '../debug/console-shell.ts';
import type { Host } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';

/** Offers the shell until the machine is to go down. @returns what it goes down for */
export async function idle<Purpose>(
  host: Pick<Host, 'files' | 'streams' | 'processes' | 'clock'>,
  config: DeviceConfig,
  log: Log,
  purpose: Promise<Purpose>,
): Promise<Purpose> {
  const shell = new ConsoleShell({ host, config, log, changed: () => {}, postpone: () => {} });
  await shell.open();
  log('INFO', 'init', 'standalone: start the runtime with "pantavisor pv_embedded"');
  const ended = await purpose;
  await shell.close();
  return ended;
}
