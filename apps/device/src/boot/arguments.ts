/** The command line of the program (config.md §5, appengine.md A.2). */
import { Failure } from '../runtime/failure.ts';
import { exitCodes } from './exit-codes.ts';

export interface Arguments {
  help: boolean;
  version: boolean;
  storage?: string;
  /** Run this state document as revision 0 of a fresh storage. */
  state?: string;
  /** Directory with the objects that the state names, each under its SHA-256. */
  objects?: string;
  /** Says every log line on stderr, too. */
  verbose: boolean;
}

type ValueOption = 'storage' | 'state' | 'objects';
const valueOptions: Readonly<Record<string, ValueOption>> = {
  '--storage': 'storage',
  '--state': 'state',
  '--objects': 'objects',
};
/** Read by the configuration's own loader. */
const configOptions = new Set(['--config', '--cmdline']);
const words = new Set(['pv_embedded', 'pv_standalone', 'pv_appengine', 'pv_debug']);

/**
 * Reads the arguments. As PID 1 the kernel passes its own words along, so there unknown ones are ignored.
 * @throws Failure `usage`
 */
export function parseArguments(argv: readonly string[], isInit: boolean): Arguments {
  const parsed: Arguments = { help: false, version: false, verbose: false };
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index]!;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const option = equals < 0 ? word : word.slice(0, equals);
    const named = valueOptions[option];
    if (named !== undefined || configOptions.has(option)) {
      const value = equals < 0 ? argv[++index] : word.slice(equals + 1);
      if (value === undefined || value === '') throw usage(`${option} needs a value`);
      if (named !== undefined) parsed[named] = value;
    } else if (word === '--help' || word === '-h') parsed.help = true;
    else if (word === '--version') parsed.version = true;
    else if (word === '--verbose' || word === '-v') parsed.verbose = true;
    else if (!words.has(word) && !isInit) throw usage(`${JSON.stringify(word)} is not known`);
  }
  if (parsed.objects !== undefined && parsed.state === undefined) throw usage('--objects is of use only with --state');
  return parsed;
}

function usage(what: string): Failure {
  return new Failure('usage', `cannot read the arguments: ${what}`, { hint: 'see pantavisor --help' });
}

/** Text of `--help`. */
export function helpText(): string {
  const codes = Object.values(exitCodes)
    .map(({ code, meaning }) => `  ${String(code).padStart(2)}  ${meaning}`)
    .join('\n');
  return `Runs the revision of a storage directory: containers, groups, recovery, control socket.

  pantavisor --storage DIR [--state FILE --objects DIR]
  pantavisor [--config FILE] [--cmdline TEXT]

Options:
  --storage DIR    storage directory of the device, made if missing
  --state FILE     run this state document; it becomes revision 0 of a fresh storage
  --objects DIR    where the objects of the state are, each under its SHA-256
  --config FILE    configuration (default /etc/pantavisor.config, else the packaged values)
  --cmdline TEXT   stands in for the kernel command line, e.g. "pv_rev=locals/test"
  --verbose, -v    log on stderr, too
  --version        print the version
  --help, -h       print this

Every configuration key can be given in the environment, e.g. PV_LOG_LEVEL=5. Once all containers have reached their goals
the line "ready socket=PATH" is printed.

Examples:
  pantavisor --storage /var/lib/device
  pantavisor --storage /tmp/d --state state.json --objects objects
  PV_NET_BRDEV=mybr0 pantavisor --storage /tmp/d --verbose

Signals: SIGTERM stops in order, to be started again; SIGINT powers off. Containers of a runtime that was killed
go on; the next one on the same storage takes them over.

Exit codes:
${codes}
`;
}
