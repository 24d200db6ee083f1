/** A program from its arguments to its exit code: help, completion, JSON and failures are the same in all of them. */
import type { CommandSpec, ExitCode, Input, Result } from './command.ts';
import { type CandidateSource, completionScript, findCandidates, shells } from './completion.ts';
import { Failure } from './failure.ts';
import { helpText } from './help.ts';
import { parseCommandLine } from './parse.ts';
import { type Output, painter, type Terminal } from './terminal.ts';

export interface Program<C> {
  /** All commands; its own flags hold for each of them, and it should have one named `json`. */
  table: CommandSpec<C>;
  exitCodes: readonly ExitCode[];
  version: string;
  /** Beginning of its environment variables: `PVR` makes `PVR_JSON` (as `--json`) and `PVR_DEBUG` (causes of failures). */
  prefix: string;
  /** What commands get. */
  createContext(input: Input): C;
  /** Names for completion; asked for only then. */
  candidates?(): Promise<CandidateSource>;
  /** Tells about an error of the program's own kinds; undefined for all others. */
  explain?(error: unknown): Failure | undefined;
}

/** What wrong usage and failures without a code of their own end with. */
const failed = 3;

/**
 * Runs a program. A failure is told on standard error, as text or with `--json` as `{"error":{"code","message",…}}`.
 * @param argv arguments without the name of the program
 * @returns the exit code; errors that nobody foresaw give 1 and say where they happened
 */
export async function runProgram<C>(program: Program<C>, argv: readonly string[], terminal: Terminal): Promise<number> {
  const { table, exitCodes, version, prefix } = program;
  const asJson = argv.includes('--json') || terminal.environment[`${prefix}_JSON`] === '1';
  try {
    if (argv[0] === '__complete') {
      terminal.stdout.write(await findCandidates(table, argv.slice(1), (await program.candidates?.()) ?? noCandidates));
      return 0;
    }
    if (argv.length === 1 && asksForVersion(table, argv[0]!)) {
      terminal.stdout.write(`${table.names[0]} version ${version}\n`);
      return 0;
    }
    const asked = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
    const { path, input, help } = parseCommandLine(table, asked, terminal.environment);
    const command = path.at(-1)!;
    if (help || !command.run) {
      terminal.stdout.write(helpText(path, exitCodes));
      return 0;
    }
    const result = await command.run(program.createContext(input), input);
    if (result) printResult(result, terminal.stdout, input.on('json'));
    return 0;
  } catch (error) {
    const failure = error instanceof Failure ? error : (program.explain?.(error) ?? failureOf(error));
    reportFailure(failure, terminal, asJson, prefix);
    return failure.exitCode ?? failed;
  }
}

const noCandidates: CandidateSource = async () => [];

function asksForVersion({ flags = [] }: Pick<CommandSpec<never>, 'flags'>, word: string): boolean {
  return word === '--version' || (word === '-v' && !flags.some(({ names }) => names.includes('v')));
}

/** Prints what a command found: as text, or as one line of JSON. */
export function printResult({ text, json }: Result, stdout: Output, asJson: boolean): void {
  if (!asJson) stdout.write(text);
  // States hold numbers that JavaScript cannot; they are handed on as text.
  else if (isRaw(json)) stdout.write(`${json.raw}\n`);
  else stdout.write(`${JSON.stringify(json)}\n`);
}

function isRaw(json: unknown): json is { raw: string } {
  return typeof json === 'object' && json !== null && 'raw' in json && typeof json.raw === 'string';
}

function reportFailure(failure: Failure, { stderr, environment }: Terminal, asJson: boolean, prefix: string): void {
  const { code, message, hint, details, cause } = failure;
  if (asJson) {
    stderr.write(`${JSON.stringify({ error: { code, message, hint, details } })}\n`);
    return;
  }
  const paint = painter(stderr, environment);
  stderr.write(`${paint('red', 'ERROR:')} ${message}\n${hint === undefined ? '' : `${paint('dim', `  ${hint}`)}\n`}`);
  if (environment[`${prefix}_DEBUG`] && cause instanceof Error) stderr.write(`${cause.stack}\n`);
}

/** Errors of the system have a code and say enough, and so do ours; anything else is a defect and shows where it happened. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return new Failure('unexpected', `cannot go on: ${String(error)}`, { exitCode: 1 });
  const { code, message, stack } = error as Error & { code?: unknown };
  if (message.startsWith('cannot')) return new Failure('failed', message, { cause: error });
  if (code === 'ENOSPC')
    return new Failure('no-space', `cannot go on: no space is left (${message})`, { cause: error });
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code))
    return new Failure('system', `cannot go on: ${message || code}`, { cause: error });
  return new Failure('unexpected', `cannot go on: ${stack ?? message}`, { cause: error, exitCode: 1 });
}

/**
 * The arguments of a command, as many as it needs.
 * @param title the command with its program, e.g. `pvr app add`
 * @throws Failure `usage` when some are missing
 */
export function requireWords<const N extends readonly string[]>(
  input: Input,
  title: string,
  names: N,
  exitCode = failed,
): { [K in keyof N]: string } {
  const missing = names[input.values.length];
  if (missing !== undefined)
    throw new Failure('usage', `cannot run '${title}': <${missing}> is missing`, {
      exitCode,
      hint: `'${title} --help' shows how`,
    });
  return input.values.slice(0, names.length) as { [K in keyof N]: string };
}

/** The command `completion` of a program. */
export function completionCommand(program: string, ...aliases: string[]): CommandSpec<unknown> {
  return {
    names: ['completion', ...aliases],
    summary: 'print a completion script for a shell',
    arguments: [{ name: 'shell', optional: true, help: 'bash (default), zsh or fish', choices: shells }],
    examples: [[`source <(${program} completion bash)`, 'completion in this shell']],
    async run(_, { values: [wanted = 'bash'] }) {
      const shell = shells.find((name) => name === wanted);
      if (!shell) throw new Failure('usage', `cannot complete for ${wanted}: there is ${shells.join(', ')}`);
      const script = completionScript(shell, program);
      return { text: script, json: { shell, script } };
    },
  };
}

/** The command `version` of a program. */
export function versionCommand(program: string, version: string): CommandSpec<unknown> {
  return {
    names: ['version'],
    summary: 'print the version',
    examples: [[`${program} version --json`, 'for scripts']],
    run: async () => ({ text: `${program} version ${version}\n`, json: { version } }),
  };
}
