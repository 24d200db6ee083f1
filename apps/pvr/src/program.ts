/** The command line of pvr: all commands, the flags of every command, and what failures look like. */
import {
  type CommandSpec,
  completionCommand,
  type ExitCode,
  Failure,
  type Flag,
  type Program,
  runProgram,
  type Terminal,
  versionCommand,
} from '@pantavisor/cli';
import { appCommands } from './commands/app.ts';
import { checkCommands } from './commands/check.ts';
import { deviceCommands, readFollowFlag } from './commands/device.ts';
import { hubCommands } from './commands/hub.ts';
import { repositoryCommands, settingCommands } from './commands/repository.ts';
import { signatureCommands } from './commands/signature.ts';
import { transferCommands } from './commands/transfer.ts';
import { verityCommands } from './commands/verity.ts';
import { Pvr } from './context.ts';

export const version = '0.1.0';

/** What exit codes mean (pvr §2, §10). */
export const exitCodes: readonly ExitCode[] = [
  { code: 0, meaning: 'done' },
  { code: 1, meaning: 'something unexpected went wrong' },
  { code: 2, meaning: 'no repository here, or its config cannot be read; the name of an app is missing' },
  { code: 3, meaning: 'the command could not do its work: wrong usage, a file, the network, a refusal' },
  { code: 4, meaning: 'settings or tokens cannot be read; --from is missing; claiming failed' },
  { code: 5, meaning: 'flags that exclude each other' },
  { code: 10, meaning: 'deploy: the state has no board support part' },
  { code: 13, meaning: 'sig ls: a signature is not valid' },
  { code: 20, meaning: 'check: the state is not acceptable' },
  { code: 101, meaning: 'deploy: no directory is given' },
  { code: 125, meaning: 'sig ls: there is no such signature' },
  { code: 126, meaning: 'sig update: signing failed' },
  { code: 127, meaning: 'sig add: signing failed' },
];

const flags: readonly Flag[] = [
  {
    names: ['access-token', 'a'],
    kind: 'text',
    value: 'token',
    env: ['PVR_ACCESSTOKEN'],
    help: 'token for the hub; nobody is asked to log in then',
  },
  {
    names: ['baseurl', 'b'],
    kind: 'text',
    value: 'url',
    env: ['PVR_BASEURL'],
    help: 'address of the hub',
    fallback: 'https://api.pantahub.com',
  },
  {
    names: ['repo-baseurl', 'r'],
    kind: 'text',
    value: 'url',
    env: ['PVR_REPO_BASEURL'],
    help: 'what <user>/<device> is looked for below',
    fallback: 'https://pvr.pantahub.com',
  },
  {
    names: ['http-proxy'],
    kind: 'text',
    value: 'url',
    env: ['PVR_HTTP_PROXY'],
    help: "'system', 'no', or the address of a proxy",
    fallback: 'system',
  },
  {
    names: ['config-dir', 'c'],
    kind: 'text',
    value: 'directory',
    env: ['PVR_CONFIG_DIR'],
    help: 'settings, tokens, objects and caches; default: ~/.pvr',
    complete: 'file',
  },
  { names: ['insecure', 'i'], kind: 'boolean', env: ['PVR_INSECURE'], help: 'do not check certificates' },
  { names: ['debug', 'd'], kind: 'boolean', env: ['PVR_DEBUG'], help: 'show each request on standard error' },
  { names: ['json'], kind: 'boolean', env: ['PVR_JSON'], help: 'print results and failures as JSON' },
  {
    names: ['disable-self-upgrade'],
    kind: 'boolean',
    env: ['PVR_DISABLE_SELF_UPGRADE'],
    help: 'for compatibility; pvr does not upgrade itself',
  },
];

/** The table of everything. Where two commands share an alias, the first one has it. */
export const program: CommandSpec<Pvr> = {
  names: ['pvr'],
  summary: 'keeps, changes and delivers the state of Pantavisor devices',
  flags,
  commands: [
    ...repositoryCommands,
    ...transferCommands,
    ...appCommands,
    ...signatureCommands,
    ...checkCommands,
    ...verityCommands,
    ...hubCommands,
    ...deviceCommands,
    ...settingCommands,
    completionCommand('pvr', 'com'),
    versionCommand('pvr', version),
  ],
  examples: [
    ['pvr clone user/device && cd device', 'fetch the state of a device'],
    ['pvr app add web --from nginx:alpine', 'make a container from a docker image'],
    ['pvr add . && pvr commit -m "web server"', 'commit it'],
    ['pvr check', 'what would the device do with it?'],
    ['pvr post', 'let the device have it'],
  ],
};

/**
 * Runs pvr.
 * @param argv arguments without the name of the program
 * @param directory working directory
 * @returns the exit code (`exitCodes`)
 */
export async function runPvr(argv: readonly string[], terminal: Terminal, directory: string): Promise<number> {
  const runnable: Program<Pvr> = {
    table: program,
    exitCodes,
    version,
    prefix: 'PVR',
    createContext: (input) => new Pvr(terminal, input, directory),
    candidates: async () => (await import('./commands/candidates.ts')).candidateSource(directory),
    explain,
  };
  if (argv[0] === '__complete') return runProgram(runnable, argv, terminal);
  if (argv.at(-1) !== originalCompletion) return runProgram(runnable, readFollowFlag(argv), terminal);
  return runProgram(runnable, ['__complete', ...argv.slice(0, -1), ''], withoutExplanations(terminal));
}

/** What the original's completion scripts put last. They take every word of the answer for a candidate. */
const originalCompletion = '--generate-bash-completion';

function withoutExplanations(terminal: Terminal): Terminal {
  const { stdout } = terminal;
  return { ...terminal, stdout: { ...stdout, write: (text) => stdout.write(String(text).replace(/\t.*$/gm, '')) } };
}

/** What devices refuse. */
function explain(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || (error.name !== 'ControlError' && error.name !== 'ExchangeError')) return undefined;
  return new Failure('device-refused', error.message, { cause: error });
}
