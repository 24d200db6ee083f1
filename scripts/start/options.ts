/** The command line of `npm start`. */
import { isAbsolute, resolve } from 'node:path';
import { Command, CommanderError } from 'commander';

export interface StartOptions {
  /** Absolute directory that keeps the device; undefined: a temporary one. */
  storage: string | undefined;
  /** A revision of one's own, absolute paths; undefined: the demonstration. */
  revision: { state: string; objects: string } | undefined;
  /** Show the device's log from the beginning. */
  logs: boolean;
  /** Run the device on the small host instead of Node. */
  small: boolean;
  /** Start a hub as well, put the device on it, and take a tour. */
  hub: boolean;
}

/** How `npm start` ends, for scripts around it; documented in docs/reference/exit-codes.md. */
export const exitCodes = {
  stopped: 0,
  deviceFailed: 1,
  usage: 64,
  badInput: 66,
  unavailable: 69,
} as const;

export const exitMeanings: Record<keyof typeof exitCodes, string> = {
  stopped: 'stopped as asked: Ctrl-C, q, SIGTERM, or the command to power off',
  deviceFailed: 'the device was killed, or asked for a restart before it was ever ready',
  usage: 'wrong arguments',
  badInput: 'a file or directory that was named is missing or of no use',
  unavailable: 'the machine lacks something that containers need; the message names it',
};

const description = `Starts a hub and a device with three containers on this machine: the device joins the hub, takes a new page from it, and
goes back from a broken one. Shown until Ctrl-C, q or SIGTERM. With --storage, --state or --no-hub: a device alone. When output is not a terminal: plain lines, among them 'ready socket=PATH url=URL' once all goals are met.`;

const after = `
Examples:
  npm start                                     a hub, and a device in a temporary directory
  npm start -- --no-hub                         the device alone
  npm start -- --storage ./device               a device that is still there the next time
  npm start -- --state state.json --objects o   a revision of one's own, objects named by their SHA-256

Exit codes: ${exitCodes.stopped} stopped as asked, ${exitCodes.usage} wrong arguments, ${exitCodes.badInput} a file is missing or of no use, ${exitCodes.unavailable} the machine lacks
something that containers need (it says what); else that of the device, which 'npx pantavisor --help' lists.`;

/** What to do instead of starting: text for the person, and how to end. */
export interface Refusal {
  text: string;
  stream: 'stdout' | 'stderr';
  exitCode: number;
}

/**
 * Reads the arguments.
 * @param argv arguments alone, without the program
 * @param directory what relative paths are relative to
 */
export function readOptions(argv: string[], directory: string): StartOptions | Refusal {
  let out = '';
  let err = '';
  const command = new Command('npm start --')
    .description(description)
    .option('--storage <dir>', 'directory that keeps the device (default: a temporary one, removed at the end)')
    .option('--state <file>', 'state document of the revision to run; needs --objects')
    .option('--objects <dir>', 'directory of the objects that the state names')
    .option('--logs', 'show the log of the device from the beginning')
    .option('--no-hub', 'start the device alone')
    .option('--small', 'run the device on the small host, the static executable for devices, instead of Node')
    .helpOption('-h, --help', 'show this')
    .addHelpText('after', after)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        out += text;
      },
      writeErr: (text) => {
        err += text;
      },
    });
  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { text: out.trimEnd(), stream: 'stdout', exitCode: 0 };
    return usage(err.trim().replace(/^error: /, ''));
  }
  const given = command.opts<{
    storage?: string;
    state?: string;
    objects?: string;
    logs?: boolean;
    small?: boolean;
    hub: boolean;
  }>();
  if ((given.state === undefined) !== (given.objects === undefined)) {
    return usage('--state and --objects belong together: a document, and the directory of the objects it names');
  }
  const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(directory, path));
  return {
    storage: given.storage === undefined ? undefined : absolute(given.storage),
    revision:
      given.state === undefined || given.objects === undefined
        ? undefined
        : { state: absolute(given.state), objects: absolute(given.objects) },
    logs: given.logs ?? false,
    small: given.small ?? false,
    hub: given.hub && given.storage === undefined && given.state === undefined,
  };
}

function usage(problem: string): Refusal {
  return {
    text: `start: ${problem}\n       'npm start -- --help' tells more`,
    stream: 'stderr',
    exitCode: exitCodes.usage,
  };
}
