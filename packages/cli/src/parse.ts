/**
 * Reads a command line as Go programs do: `-x v`, `--x v`, `--x=v` and `-x=v` mean the same for names of any length, short
 * flags cannot be combined. Flags may also follow arguments, and those of the program may follow the command; a flag of
 * the command hides one of the program with the same name. `--` ends the flags.
 */
import { type CommandSpec, type Flag, Input } from './command.ts';
import { Failure } from './failure.ts';
import { nearest } from './suggest.ts';

export interface Parsed<C> {
  /** The command and the groups above it, the program first. */
  path: readonly CommandSpec<C>[];
  input: Input;
  /** `--help` stood somewhere. */
  help: boolean;
}

const usage = (message: string, hint?: string): Failure =>
  new Failure('usage', message, { exitCode: 3, ...(hint === undefined ? {} : { hint }) });

/** Words that Go takes for a boolean. */
const booleans: Readonly<Record<string, string>> = {
  '1': 'true',
  t: 'true',
  true: 'true',
  yes: 'true',
  '0': 'false',
  f: 'false',
  false: 'false',
  no: 'false',
  '': 'false',
};

/**
 * @param program the table; its own flags are those that stand before the command
 * @throws Failure `usage` with exit code 3 for unknown commands and flags and for missing values
 */
export function parseCommandLine<C>(
  program: CommandSpec<C>,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Parsed<C> {
  const path: CommandSpec<C>[] = [program];
  const given = new Map<string, string[]>();
  const values: string[] = [];
  let help = false;
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index]!;
    if (word === '--') {
      values.push(...argv.slice(index + 1));
      break;
    }
    if (word.startsWith('-') && word !== '-') {
      const equals = word.indexOf('=');
      const name = word.slice(word.startsWith('--') ? 2 : 1, equals < 0 ? undefined : equals);
      const flag = findFlag(path, name);
      if (!flag) {
        if (name === 'help' || name === 'h') {
          help = true;
          continue;
        }
        throw unknownFlag(path, word, name);
      }
      let value = equals < 0 ? undefined : word.slice(equals + 1);
      if (flag.kind === 'boolean') value = readBoolean(value ?? 'true', word);
      else if (value === undefined) {
        index += 1;
        value = argv[index];
        if (value === undefined) throw usage(`cannot read the flag ${word}: its value is missing`);
      }
      const key = flag.names[0]!;
      given.set(key, flag.kind === 'list' ? [...(given.get(key) ?? []), value] : [value]);
      continue;
    }
    const current = path.at(-1)!;
    if (current.commands && values.length === 0) {
      const next = current.commands.find(({ names }) => names.includes(word));
      if (next) {
        path.push(next);
        continue;
      }
      if (!current.run || !current.arguments) throw unknownCommand(path, word);
    }
    values.push(word);
  }
  const command = path.at(-1)!;
  if (!help && command.run) checkCount(path, command, values);
  return { path, input: new Input(values, withDefaults(path, given, environment)), help };
}

function findFlag<C>(path: readonly CommandSpec<C>[], name: string): Flag | undefined {
  for (const { flags } of path.toReversed()) {
    const flag = flags?.find(({ names }) => names.includes(name));
    if (flag) return flag;
  }
  return undefined;
}

function readBoolean(value: string, word: string): string {
  const known = booleans[value.toLowerCase()];
  if (known === undefined) throw usage(`cannot read the flag ${word}: ${value} is neither true nor false`);
  return known;
}

function withDefaults<C>(
  path: readonly CommandSpec<C>[],
  given: ReadonlyMap<string, string[]>,
  environment: Readonly<Record<string, string | undefined>>,
): Map<string, readonly string[]> {
  const flags = new Map<string, readonly string[]>();
  for (const { flags: own } of path.toReversed()) {
    for (const flag of own ?? []) {
      const key = flag.names[0]!;
      if (flags.has(key)) continue;
      const fromEnvironment = flag.env?.map((name) => environment[name]).find((value) => value !== undefined);
      const read = (value: string): string[] =>
        flag.kind === 'list'
          ? value.split(',').filter((item) => item !== '')
          : [flag.kind === 'boolean' ? readBoolean(value, flag.env?.[0] ?? key) : value];
      const value = given.get(key) ?? (fromEnvironment === undefined ? undefined : read(fromEnvironment));
      if (value) flags.set(key, value);
      else if (flag.fallback !== undefined) flags.set(key, [flag.fallback]);
    }
  }
  return flags;
}

const titleOf = <C>(path: readonly CommandSpec<C>[]): string => path.map(({ names }) => names[0]).join(' ');

function unknownFlag<C>(path: readonly CommandSpec<C>[], word: string, name: string): Failure {
  const known = path.flatMap(({ flags }) => (flags ?? []).flatMap(({ names }) => names));
  const [close] = nearest(
    name,
    known.filter((each) => each.length > 1),
  );
  const help = `'${titleOf(path)} --help' lists the flags`;
  return usage(
    `cannot understand the flag ${word} of '${titleOf(path)}'`,
    close === undefined ? help : `did you mean --${close}? ${help}`,
  );
}

function unknownCommand<C>(path: readonly CommandSpec<C>[], word: string): Failure {
  const commands = (path.at(-1)!.commands ?? []).filter(({ hidden }) => !hidden);
  const known = new Map(commands.flatMap(({ names }) => names.map((name) => [name, names[0]!] as const)));
  const close = nearest(
    word,
    [...known.keys()].filter((name) => name.length > 2),
  );
  const meant = [...new Set(close.map((name) => `'${titleOf(path)} ${known.get(name)}'`))];
  const help = `'${titleOf(path)} --help' lists the commands`;
  return usage(`No help topic for '${word}'`, meant.length === 0 ? help : `did you mean ${meant.join(' or ')}?`);
}

function checkCount<C>(path: readonly CommandSpec<C>[], command: CommandSpec<C>, values: readonly string[]): void {
  const wanted = command.arguments ?? [];
  const most = wanted.some(({ rest }) => rest) ? Number.POSITIVE_INFINITY : wanted.length;
  if (values.length > most) {
    const extra = values[most] ?? '';
    throw usage(
      `cannot use the argument '${extra}': '${titleOf(path)}' takes ${most === 0 ? 'none' : `at most ${most}`}`,
    );
  }
}
