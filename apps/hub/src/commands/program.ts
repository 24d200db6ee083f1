import { Command, InvalidArgumentError, Option as ProgramOption } from 'commander';
import { type Config, type Option, optionNames, options } from '../config/options.ts';
import { readConfig } from '../config/read.ts';
import type { Hub } from '../hub.ts';
import { openHub } from '../open-hub.ts';
import { checkBlobs } from '../operator/check.ts';
import { collectGarbage } from '../operator/garbage.ts';
import { version } from '../operator/routes.ts';
import { startHub } from '../server.ts';
import { backUp, restore } from './backup.ts';
import { userCommands } from './users.ts';

/** Where the program prints; replaced by tests. */
export interface Terminal {
  print(line: string): void;
  /** resolves when the program is asked to end */
  untilStopped(): Promise<void>;
}

/** The `pantahub` program with all its commands. */
export function makeProgram(terminal: Terminal, env: Record<string, string | undefined>): Command {
  const program = new Command('pantahub');
  program.description('The hub: cloud API for devices, their owners and their tools.').version(version);
  for (const name of optionNames) addOption(program, name, options[name]);
  const config = (): Config => readConfig({ flags: program.opts(), env });
  const withHub = async (work: (hub: Hub) => Promise<string>) => {
    const { hub, close } = await openHub({ ...config(), 'log-level': 'warn' });
    try {
      terminal.print(await work(hub));
    } finally {
      await close();
    }
  };
  program.action(() => serve(config(), terminal));
  program.command('serve', { hidden: true }).action(() => serve(config(), terminal));
  program
    .command('backup <file>')
    .description('write everything (database and blobs) into one tar archive; the hub may be running')
    .action((file: string) =>
      withHub(async (hub) => {
        const { rows, blobs } = await backUp(hub, file);
        return `${file}: ${rows} rows, ${blobs} blobs`;
      }),
    );
  program
    .command('restore <file>')
    .description('read a backup into an empty hub, also of another kind of database or blob store')
    .action((file: string) =>
      withHub(async (hub) => {
        const { rows, blobs } = await restore(hub, file);
        return `restored ${rows} rows and ${blobs} blobs`;
      }),
    );
  program
    .command('fsck')
    .description('read every blob and compare it with its record')
    .option('--repair', 'mark what is missing or damaged as not uploaded, so that clients upload it again')
    .action(({ repair }: { repair?: boolean }) =>
      withHub(async (hub) => {
        const { checked, findings } = await checkBlobs(hub, repair === true, ({ storageId, problem, repaired }) =>
          terminal.print(`${storageId} ${problem}${repaired ? ' (repaired)' : ''}`),
        );
        if (findings > 0 && repair !== true) process.exitCode = 1;
        return `${checked} blobs checked, ${findings} findings`;
      }),
    );
  program
    .command('gc')
    .description('mark unclaimed devices and remove garbage that is older than the grace time')
    .action(() => withHub(async (hub) => JSON.stringify(await collectGarbage(hub))));
  addUserCommands(program, withHub);
  return program;
}

function addUserCommands(program: Command, withHub: (work: (hub: Hub) => Promise<string>) => Promise<void>): void {
  const user = program.command('user').description('accounts of people');
  user
    .command('list')
    .description('all accounts')
    .action(() => withHub(userCommands.list));
  user
    .command('add <nick>')
    .description('make an account that can be used at once')
    .requiredOption('--email <address>', 'e-mail address')
    .requiredOption('--password <text>', 'password, at least 8 characters')
    .option('--admin', 'make it an administrator')
    .action((nick: string, more: { email: string; password: string; admin?: boolean }) =>
      withHub((hub) => userCommands.add(hub, nick, more)),
    );
  user
    .command('password <name> <password>')
    .description('set a password and end all sessions')
    .action((name: string, password: string) => withHub((hub) => userCommands.password(hub, name, password)));
  user
    .command('role <name> <role>')
    .description('make somebody admin, or user again')
    .action((name: string, role: string) => withHub((hub) => userCommands.role(hub, name, role)));
  user
    .command('disable <name>')
    .description('close an account')
    .action((name: string) => withHub((hub) => userCommands.disable(hub, name, true)));
  user
    .command('enable <name>')
    .description('open it again')
    .action((name: string) => withHub((hub) => userCommands.disable(hub, name, false)));
  user
    .command('invite')
    .description('make an invitation for one person; valid for a week')
    .option('--admin', 'to become an administrator')
    .action(({ admin }: { admin?: boolean }) => withHub((hub) => userCommands.invite(hub, admin === true)));
}

function addOption(program: Command, name: string, option: Option): void {
  const fallback = option.kind === 'flag' ? '' : `; default ${String(option.fallback) || 'empty'}`;
  const choices = option.kind === 'text' && option.choices !== undefined ? ` (${option.choices.join(', ')})` : '';
  const flag = option.kind === 'flag' ? `--${name}` : `--${name} <${option.kind}>`;
  const keep = (value: string, before: unknown) => {
    if (before !== undefined && before !== value) throw new InvalidArgumentError('given twice');
    return value;
  };
  const added = new ProgramOption(flag, `${option.about}${choices} [${option.env}${fallback}]`).argParser(keep);
  // Commander would turn tls-port into tlsPort; the table's own names are used everywhere.
  added.attributeName = () => name;
  program.addOption(added);
}

async function serve(config: Config, terminal: Terminal): Promise<void> {
  const running = await startHub(config);
  if (running.invitation !== undefined)
    terminal.print(
      `admin invitation: ${running.invitation}  (POST /auth/accounts with email, nick, password and invitation)`,
    );
  if (running.tlsUrl !== undefined && running.tlsUrl !== running.url) terminal.print(`https url=${running.tlsUrl}`);
  if (running.cloneUrl !== undefined) terminal.print(`clone url=${running.cloneUrl}`);
  terminal.print(`ready url=${running.url}`);
  await terminal.untilStopped();
  await running.stop();
}
