/** The command line of pantahub: all commands, the settings as flags, and what failures look like. */
import {
  type CommandSpec,
  completionCommand,
  type ExitCode,
  Failure,
  type Flag,
  type Input,
  printResult,
  type Result,
  runProgram,
  type Terminal,
  versionCommand,
} from '@pantavisor/cli';
import { type Config, type Option, type OptionName, optionNames, options } from '../config/options.ts';
import { ConfigError, readConfig } from '../config/read.ts';
import type { Hub } from '../hub.ts';
import { version } from '../version.ts';
import { storageCommands } from './storage.ts';
import { userCommand } from './user.ts';

/** What exit codes mean. */
export const exitCodes: readonly ExitCode[] = [
  { code: 0, meaning: 'done; serving: stopped in order on SIGTERM or SIGINT' },
  { code: 1, meaning: 'something unexpected went wrong' },
  { code: 2, meaning: 'the settings are not acceptable' },
  { code: 3, meaning: 'the command could not do its work: wrong usage, a file, a port, the database, no such account' },
  { code: 4, meaning: 'fsck: blobs are missing or damaged' },
];

/** What commands have at hand. */
export interface Pantahub {
  terminal: Terminal;
  /** Settings of the command line, the environment and the file. @throws Failure `bad-settings` */
  config(): Config;
  /** Does something with an opened hub that nobody is served by. */
  withHub<T>(work: (hub: Hub) => Promise<T>): Promise<T>;
  untilStopped(): Promise<void>;
}

const files: readonly OptionName[] = ['data', 'config', 'tls-cert', 'tls-key', 'console-folder', 'blob-folder'];

/** The settings are read by `readConfig`, which knows the file, too: so flags stand for nothing but themselves here. */
function flagOf(name: OptionName): Flag {
  const option: Option = options[name];
  const choices = option.kind === 'text' ? option.choices : undefined;
  const fallback = option.kind === 'flag' ? '' : `default: ${String(option.fallback) || 'empty'}; `;
  return {
    names: [name],
    kind: option.kind === 'flag' ? 'boolean' : 'text',
    value: option.kind,
    help: `${option.about}${choices ? ` (${choices.join(', ')})` : ''} [${fallback}${option.env}]`,
    ...(choices ? { choices } : {}),
    ...(files.includes(name) ? { complete: 'file' } : {}),
  };
}

const jsonFlag: Flag = {
  names: ['json'],
  kind: 'boolean',
  env: ['PANTAHUB_JSON'],
  help: 'print results and failures as JSON',
};

const serve: CommandSpec<Pantahub>['run'] = async (pantahub, input) => {
  const config = pantahub.config();
  const { startHub } = await import('../server.ts');
  const running = await startHub(config);
  const { url, tlsUrl, cloneUrl, invitation } = running;
  const lines = [
    ...(invitation === undefined
      ? []
      : [`admin invitation: ${invitation}  (POST /auth/accounts with email, nick, password and invitation)`]),
    ...(tlsUrl === undefined || tlsUrl === url ? [] : [`https url=${tlsUrl}`]),
    ...(cloneUrl === undefined ? [] : [`clone url=${cloneUrl}`]),
    `ready url=${url}`,
  ];
  const ready: Result = {
    text: `${lines.join('\n')}\n`,
    json: { url, 'tls-url': tlsUrl, 'clone-url': cloneUrl, invitation },
  };
  printResult(ready, pantahub.terminal.stdout, input.on('json'));
  await pantahub.untilStopped();
  await running.stop();
  return undefined;
};

/** The table of everything. */
export const program: CommandSpec<Pantahub> = {
  names: ['pantahub'],
  summary: 'the hub: cloud API for devices, their owners and their tools',
  about: `Without a command it serves until SIGTERM or SIGINT, and prints 'ready url=…' when it listens. Every flag is a setting, which can also
be given in the environment or by name in a JSON file; the commands take the same settings, above all --data.`,
  flags: [...optionNames.map(flagOf), jsonFlag],
  run: serve,
  commands: [
    {
      names: ['serve'],
      summary: 'serve, as without a command',
      examples: [['pantahub serve --data ./hub', 'on 127.0.0.1:12365']],
      run: serve,
    },
    ...storageCommands,
    userCommand,
    completionCommand('pantahub'),
    versionCommand('pantahub', version),
  ],
  examples: [
    ['pantahub --data ./hub --port 12365', 'everything in one folder'],
    ['pantahub --host 0.0.0.0 --tls-port 443 --data ./hub', 'for devices, which speak only https'],
    ['pantahub --data ./hub user invite --admin', 'an invitation for an administrator'],
    ['pantahub --data ./hub backup hub.tar', 'also while the hub runs'],
  ],
};

/**
 * Runs pantahub.
 * @param argv arguments without the name of the program
 * @param untilStopped resolves when the program is asked to end
 * @returns the exit code (`exitCodes`)
 */
export function runPantahub(
  argv: readonly string[],
  terminal: Terminal,
  untilStopped: () => Promise<void>,
): Promise<number> {
  const createContext = (input: Input): Pantahub => {
    const config = () => readConfig({ flags: settingsOf(input), env: terminal.environment });
    return {
      terminal,
      config,
      untilStopped,
      withHub: async (work) => {
        const { openHub } = await import('../open-hub.ts');
        const { hub, close } = await openHub({ ...config(), 'log-level': 'warn' });
        try {
          return await work(hub);
        } finally {
          await close();
        }
      },
    };
  };
  return runProgram({ table: program, exitCodes, version, prefix: 'PANTAHUB', createContext, explain }, argv, terminal);
}

function settingsOf(input: Input): Partial<Record<OptionName, string>> {
  return Object.fromEntries(
    optionNames.flatMap((name) => {
      const value = input.text(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function explain(error: unknown): Failure | undefined {
  if (!(error instanceof ConfigError)) return undefined;
  const { message, problems } = error;
  return new Failure('bad-settings', message, {
    exitCode: 2,
    details: problems,
    hint: "'pantahub --help' lists the settings",
  });
}
