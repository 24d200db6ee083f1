/** How the program ends, in one table: what scripts and the app-engine launcher rely on. */

export interface ExitMeaning {
  code: number;
  meaning: string;
}

/**
 * Codes 0 and 3 are the original's; launchers take 0 as "start me again" and stop on anything else.
 * The others follow sysexits.h as far as it has a fitting name.
 */
export const exitCodes = {
  stopped: { code: 0, meaning: 'stopped in order on SIGTERM, or restarting: a launcher starts it again' },
  configuration: { code: 1, meaning: 'the configuration or its policy cannot be read' },
  poweredOff: { code: 3, meaning: 'powered off: SIGINT, or the command to power off' },
  usage: { code: 64, meaning: 'wrong arguments' },
  state: { code: 65, meaning: 'the state document is wrong' },
  missing: { code: 66, meaning: 'a file named on the command line, or the revision to run, is not there' },
  facility: { code: 69, meaning: 'the machine lacks something: root, LXC, a kernel feature' },
  internal: { code: 70, meaning: 'an error of the program itself' },
  storage: { code: 73, meaning: 'the storage cannot be written: read-only, or no permission' },
  full: { code: 74, meaning: 'the storage is full' },
  locked: { code: 75, meaning: 'another runtime runs on this storage' },
  socket: { code: 78, meaning: 'the control socket cannot be made: its path is too long' },
} as const satisfies Record<string, ExitMeaning>;

export type ExitName = keyof typeof exitCodes;

/** Exit code of each failure that ends the program at start, by the failure's code; what is not here is `internal`. */
const exitsOfFailures: Readonly<Record<string, ExitName>> = {
  usage: 'usage',
  'config-unreadable': 'configuration',
  'policy-unreadable': 'configuration',
  'state-invalid': 'state',
  'state-conflict': 'state',
  'signature-refused': 'state',
  'state-missing': 'missing',
  'file-missing': 'missing',
  'facility-missing': 'facility',
  'wake-locks-missing': 'facility',
  'storage-read-only': 'storage',
  'storage-unusable': 'storage',
  'storage-full': 'full',
  'storage-locked': 'locked',
  'socket-path': 'socket',
};

/** Exit of a failure by its code. */
export function exitOf(failureCode: string): ExitName {
  return exitsOfFailures[failureCode] ?? 'internal';
}
