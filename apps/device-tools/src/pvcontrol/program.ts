/** pvcontrol from its arguments to its exit code. */
import type { ToolHost } from '../host/ports.ts';
import { checkArguments, chooseVerb, type Options, readWords, UsageError } from './command-line.ts';
import { commandVerbs } from './command-verbs.ts';
import { exitCodes } from './exit-codes.ts';
import { groupHelp, programHelp, usageLine, verbHelp } from './help.ts';
import { localVerbs } from './local-verbs.ts';
import { inspectionVerbs, runningVerbs } from './running-verbs.ts';
import { Failure, type GlobalOptions, Session } from './session.ts';
import { storageVerbs } from './storage-verbs.ts';
import type { VerbGroup } from './verb.ts';

/** Completion is loaded when a shell asks for it. */
const completion: VerbGroup = {
  names: ['completion'],
  summary: 'print a completion script for bash, zsh or fish',
  examples: [['source <(pvcontrol completion bash)', 'for this shell']],
  verbs: (['bash', 'zsh', 'fish'] as const).map((shell) => ({
    names: [shell],
    summary: `for ${shell}`,
    examples: [[`pvcontrol completion ${shell}`, 'prints the script']],
    run: async (session) => {
      const { completionScript } = await import('./completion.ts');
      await session.print(completionScript(shell, 'pvcontrol'));
    },
  })),
};

/** Every verb, in the order of the help. */
const verbGroups: readonly VerbGroup[] = [
  ...runningVerbs,
  ...storageVerbs,
  ...commandVerbs,
  ...inspectionVerbs,
  ...localVerbs,
  completion,
];

function globalOptions(options: Options): GlobalOptions {
  const { socket, file, message } = options;
  return {
    ...(typeof socket === 'string' ? { socket } : {}),
    ...(typeof file === 'string' ? { file } : {}),
    ...(typeof message === 'string' ? { message } : {}),
    verbose: options.verbose === true,
    json: options.json === true,
    table: options.table === true,
  };
}

async function dispatch(argv: readonly string[], host: ToolHost): Promise<number> {
  const { options, words } = readWords(argv);
  if (words.length === 0) {
    host.stdout.write(programHelp(verbGroups));
    // A script whose command came out empty has not done what it was to do (tools.md §6: missing arguments).
    return options.help ? exitCodes.success.code : exitCodes.failed.code;
  }
  const { group, verb, values } = chooseVerb(words, verbGroups);
  if (options.help) {
    host.stdout.write(verb ? verbHelp(group, verb) : groupHelp(group));
    return exitCodes.success.code;
  }
  if (verb) checkArguments(group, verb, values);
  const action = verb ? verb.run : group.alone;
  if (!action) throw new UsageError(`cannot go on without a verb of ${group.names[0]}`, { group, wantsHelp: true });
  await action(new Session(host, globalOptions(options)), values);
  return exitCodes.success.code;
}

/** Scripts and people of the original find the usage on standard output; what is wrong goes to standard error. */
function reportUsage({ message, group, verb, wantsHelp }: UsageError, host: ToolHost): number {
  if (group) host.stdout.write(wantsHelp ? groupHelp(group) : usageLine(group, verb));
  const place = group ? ` ${group.names[0]}` : '';
  const hint = verb || wantsHelp ? '' : `; 'pvcontrol${place} --help' lists what there is`;
  host.stderr.write(`pvcontrol: ${message}${hint}\n`);
  return exitCodes.failed.code;
}

/**
 * Runs pvcontrol.
 * @param argv arguments without the program's name
 * @returns the exit code (`exit-codes.ts`)
 */
export async function runPvcontrol(argv: readonly string[], host: ToolHost): Promise<number> {
  try {
    if (argv[0] === '__complete') {
      const { complete } = await import('./completion.ts');
      host.stdout.write(await complete(argv.slice(1), verbGroups, host));
      return exitCodes.success.code;
    }
    return await dispatch(argv, host);
  } catch (error) {
    if (error instanceof UsageError) return reportUsage(error, host);
    if (!(error instanceof Failure)) throw error;
    host.stdout.write(error.stdout);
    host.stderr.write(error.stderr);
    return error.exitCode;
  }
}
