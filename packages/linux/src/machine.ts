/** The machine as a whole. */
import { addon } from './addon.ts';

const rebootCommands = { restart: 0x01234567, halt: 0xcdef0123, poweroff: 0x4321fedc } as const;

export type RebootCommand = keyof typeof rebootCommands;

/** Names the machine (of this process's UTS namespace) - sethostname(2). At most 64 bytes. */
export function setHostname(name: string): void {
  addon.setHostname(name);
}

/**
 * Writes all file systems, then restarts, halts or switches off the machine at once - reboot(2). Does not return, except as PID 1 of
 * a pid namespace, whose end it is.
 */
export function reboot(command: RebootCommand): void {
  if (!Object.hasOwn(rebootCommands, command))
    throw new TypeError(`cannot reboot: '${String(command)}' is none of ${Object.keys(rebootCommands).join(', ')}`);
  addon.reboot(rebootCommands[command]);
}
