/** The command line of pvcontrol: options, verbs, help and usage errors, built from the table of verbs. */
import { Command, CommanderError } from 'commander';
import { commandVerbs } from './command-verbs.ts';
import { complete, completionScript, type Shell } from './completion.ts';
import { exitCodes } from './exit-codes.ts';
import { inspectionVerbs, runningVerbs } from './running-verbs.ts';
import { Failure, findSocket, type GlobalOptions, Session } from './session.ts';
import { storageVerbs } from './storage-verbs.ts';
import type { Terminal } from './terminal.ts';
import type { Verb, VerbGroup } from './verb.ts';

/** Every verb, in the order of the help. */
export const verbGroups: readonly VerbGroup[] = [...runningVerbs, ...storageVerbs, ...commandVerbs, ...inspectionVerbs];

const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];

function formatExamples(examples: readonly (readonly [string, string])[]): string {
  if (examples.length === 0) return '';
  return `\nExamples:\n${examples.map(([line, about]) => `  $ ${line}\n      ${about}\n`).join('')}`;
}

function exitCodeTable(): string {
  const rows = Object.values(exitCodes).map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`);
  return `\nExit codes:\n${rows.join('\n')}\n`;
}

/** What the runs of verbs need, made once the options are known. */
type Run = (
  action: (session: Session, values: readonly string[]) => Promise<void>,
  values: readonly string[],
) => Promise<void>;

function describeArguments(command: Command, verb: Verb): void {
  for (const { name, optional, help } of verb.arguments ?? [])
    command.argument(optional ? `[${name}]` : `<${name}>`, help);
}

function addGroup(program: Command, group: VerbGroup, run: Run, usage: (text: string) => void): void {
  const [name = '', ...aliases] = group.names;
  const command = program.command(name).aliases(aliases).description(group.summary);
  const { alone } = group;
  if (alone) {
    command.allowExcessArguments(false).action(() => run(alone, []));
    command.addHelpText('after', formatExamples(group.examples ?? []));
  }
  for (const verb of group.verbs) {
    const [verbName = '', ...others] = verb.names;
    const leaf = command.command(verbName).aliases(others).description(verb.summary).allowExcessArguments(false);
    describeArguments(leaf, verb);
    leaf.addHelpText('after', formatExamples(verb.examples));
    leaf.action(() => run(verb.run, leaf.args));
    // Scripts and people of the original find the usage on standard output.
    leaf.exitOverride((error) => {
      if (error.code === 'commander.missingArgument') usage(leaf.helpInformation());
      throw error;
    });
  }
  if (!alone) command.helpCommand(false);
}

/** Makes the program; `run` is called with the verb that was asked for. */
function createProgram(terminal: Terminal, run: Run): Command {
  const program = new Command('pvcontrol');
  program
    .description('Controls a Pantavisor device over its control socket.')
    .option('-s, --socket <path>', 'control socket; default: PV_CTRL_SOCKET, else the usual places')
    .option('-f, --file <path>', 'write to a file instead of standard output')
    .option('-m, --message <text>', 'commit message, for steps put and steps install')
    .option('-v, --verbose', 'show each request and its status on standard error')
    .option('--json', 'always print what the device answered')
    .option('--table', 'print tables also when the output is not a terminal')
    .helpOption('-h, --help', 'show help; also of each verb')
    .showHelpAfterError(false)
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      getOutHelpWidth: () => terminal.stdout.columns,
    })
    .addHelpText('after', () => {
      const examples = [
        ['pvcontrol ls', 'containers with status and goal'],
        ['pvcontrol containers restart app', 'restart one of them'],
        ['pvcontrol steps install app.tgz && pvcontrol cmd run …', 'a new revision from an archive'],
        ['source <(pvcontrol completion bash)', 'completion for this shell; also zsh and fish'],
      ] as const;
      return `${formatExamples(examples)}${exitCodeTable()}`;
    })
    .exitOverride();
  for (const group of verbGroups) addGroup(program, group, run, (text) => terminal.stdout.write(text));
  program
    .command('completion')
    .argument('<shell>', shells.join(', '))
    .description('print a completion script for a shell')
    .action((name: string) => {
      const shell = shells.find((known) => known === name);
      if (!shell)
        throw new Failure(exitCodes.failed.code, {
          stderr: `pvcontrol: there is no completion for ${name}; there is ${shells.join(', ')}\n`,
        });
      terminal.stdout.write(completionScript(shell));
    });
  return program;
}

/**
 * Runs pvcontrol.
 * @param argv arguments without the program's name
 * @returns the exit code (`exit-codes.ts`)
 */
export async function runPvcontrol(argv: readonly string[], terminal: Terminal): Promise<number> {
  const program = createProgram(terminal, async (action, values) => {
    await action(new Session(terminal, program.opts<GlobalOptions>()), values);
  });
  try {
    if (argv[0] === '__complete') {
      const socketOf = (given: string | undefined) => findSocket(given, terminal.environment);
      terminal.stdout.write(await complete(argv.slice(1), verbGroups, socketOf));
    } else {
      await program.parseAsync(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' });
    }
    return exitCodes.success.code;
  } catch (error) {
    if (error instanceof Failure) {
      terminal.stdout.write(error.stdout);
      terminal.stderr.write(error.stderr);
      return error.exitCode;
    }
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.success.code : exitCodes.failed.code;
  }
}
