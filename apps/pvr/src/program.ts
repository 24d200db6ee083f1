/** The command line of pvr: all commands, the flags of every command, and what failures look like. */
import {
  type CommandSpec,
  type ExitCode,
  Failure,
  type Flag,
  findCandidates,
  helpText,
  type Input,
  painter,
  parseCommandLine,
  type Result,
  type Terminal,
} from '@pantavisor/cli';
import { appCommands } from './commands/app.ts';
import { checkCommands } from './commands/check.ts';
import { completionCommand } from './commands/completion.ts';
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

const versionCommand: CommandSpec<Pvr> = {
  names: ['version'],
  summary: 'print the version',
  run: async () => ({ text: `pvr version ${version}\n`, json: { version } }),
};

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
    completionCommand,
    versionCommand,
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
  const asJson = argv.includes('--json') || terminal.environment.PVR_JSON === '1';
  try {
    const words = wordsToComplete(argv);
    if (words) {
      const { candidateSource } = await import('./commands/candidates.ts');
      const found = await findCandidates(program, words, candidateSource(terminal, directory));
      // The original's scripts take every word of the answer for a candidate.
      terminal.stdout.write(argv[0] === '__complete' ? found : found.replace(/\t.*$/gm, ''));
      return 0;
    }
    if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
      terminal.stdout.write(`pvr version ${version}\n`);
      return 0;
    }
    const asked = argv[0] === 'help' ? [...argv.slice(1), '--help'] : readFollowFlag(argv);
    const { path, input, help } = parseCommandLine(program, asked, terminal.environment);
    const command = path.at(-1)!;
    if (help || !command.run) {
      terminal.stdout.write(helpText(path, exitCodes));
      return 0;
    }
    const result = await command.run(new Pvr(terminal, input, directory), input);
    if (result) print(result, terminal, input);
    return 0;
  } catch (error) {
    return reportFailure(error, terminal, asJson);
  }
}

/** What a shell asks completions for; the original's scripts put a flag of their own last. */
function wordsToComplete(argv: readonly string[]): string[] | undefined {
  if (argv[0] === '__complete') return argv.slice(1);
  return argv.at(-1) === '--generate-bash-completion' ? [...argv.slice(0, -1), ''] : undefined;
}

function print({ text, json }: Result, terminal: Terminal, input: Input): void {
  if (!input.on('json')) terminal.stdout.write(text);
  // States hold numbers that JavaScript cannot; they are handed on as text.
  else if (isRaw(json)) terminal.stdout.write(`${json.raw}\n`);
  else terminal.stdout.write(`${JSON.stringify(json)}\n`);
}

function isRaw(json: unknown): json is { raw: string } {
  return typeof json === 'object' && json !== null && 'raw' in json && typeof json.raw === 'string';
}

function reportFailure(error: unknown, terminal: Terminal, asJson: boolean): number {
  const { stderr, environment } = terminal;
  const failure = error instanceof Failure ? error : toFailure(error);
  const { code, message, hint, details } = failure;
  if (asJson) {
    stderr.write(
      `${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }), ...(details === undefined ? {} : { details }) } })}\n`,
    );
  } else {
    const paint = painter(stderr, environment);
    stderr.write(`${paint('red', 'ERROR:')} ${message}\n${hint === undefined ? '' : `${paint('dim', `  ${hint}`)}\n`}`);
    if (environment.PVR_DEBUG && failure.cause instanceof Error) stderr.write(`${failure.cause.stack}\n`);
  }
  return failure.exitCode ?? 3;
}

/** Errors of the system have a code and say enough; anything else is a defect and shows where it happened. */
function toFailure(error: unknown): Failure {
  const { code, message, stack } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC')
    return new Failure('no-space', `cannot go on: no space is left (${message})`, { cause: error });
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code))
    return new Failure('system', `cannot go on: ${message}`, { cause: error });
  if (error instanceof Error && (error.name === 'ControlError' || error.name === 'ExchangeError'))
    return new Failure('device-refused', message, { cause: error });
  return new Failure('unexpected', `cannot go on: ${stack ?? String(error)}`, { cause: error, exitCode: 1 });
}
