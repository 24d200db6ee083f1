/**
 * The command line of pvcontrol as data, and its reading: the grammar of the original, whose short options can be joined and stand anywhere,
 * so not that of `@pantavisor/cli`.
 */
import { nearest } from '@pantavisor/cli/output';
import type { Verb, VerbGroup } from './verb.ts';

export interface OptionSpec {
  short: string | undefined;
  long: 'socket' | 'file' | 'message' | 'verbose' | 'json' | 'table' | 'help';
  /** Name of the value; absent for a switch. */
  value?: string;
  help: string;
}

/** Options stand anywhere on the line. */
export const optionTable: readonly OptionSpec[] = [
  { short: 's', long: 'socket', value: 'path', help: 'control socket; default: PV_CTRL_SOCKET, else the usual places' },
  { short: 'f', long: 'file', value: 'path', help: 'write to a file instead of standard output' },
  { short: 'm', long: 'message', value: 'text', help: 'commit message, for steps put and steps install' },
  { short: 'v', long: 'verbose', help: 'show each request and its status on standard error' },
  { short: undefined, long: 'json', help: 'always print what the device answered' },
  { short: undefined, long: 'table', help: 'print tables also when the output is not a terminal' },
  { short: 'h', long: 'help', help: 'show help; also of each verb' },
];

export type Options = Partial<Record<OptionSpec['long'], string | true>>;

export interface Words {
  options: Options;
  /** Everything that is no option, in order. */
  words: string[];
}

/** What is wrong with a line, and where; `wantsHelp`: nothing is wrong but that there is too little of it. */
export class UsageError extends Error {
  override name = 'UsageError';
  readonly verb: Verb | undefined;
  readonly group: VerbGroup | undefined;
  readonly wantsHelp: boolean;
  constructor(message: string, place: { group?: VerbGroup; verb?: Verb; wantsHelp?: true } = {}) {
    super(message);
    this.group = place.group;
    this.verb = place.verb;
    this.wantsHelp = place.wantsHelp === true;
  }
}

/**
 * Separates options from words. `-` followed by digits is a word: a size on standard input. Everything after `--` is words.
 * @throws UsageError for an option that does not exist or lacks its value
 */
export function readWords(argv: readonly string[]): Words {
  const options: Options = {};
  const words: string[] = [];
  const rest = [...argv];
  const take = (spec: OptionSpec, inline: string | undefined) => {
    if (spec.value === undefined) {
      if (inline !== undefined) throw new UsageError(`cannot use --${spec.long} with a value`);
      options[spec.long] = true;
      return;
    }
    const value = inline ?? rest.shift();
    if (value === undefined) throw new UsageError(`cannot use --${spec.long} without its <${spec.value}>`);
    options[spec.long] = value;
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      words.push(...rest);
      break;
    }
    if (word.startsWith('--')) {
      const [name = '', ...parts] = word.slice(2).split('=');
      const spec = optionTable.find(({ long }) => long === name);
      if (!spec)
        throw new UsageError(
          `cannot use the option --${name}${suggest(
            `--${name}`,
            optionTable.map(({ long }) => `--${long}`),
          )}`,
        );
      take(spec, parts.length > 0 ? parts.join('=') : undefined);
    } else if (/^-[A-Za-z]/.test(word)) {
      for (let letters = word.slice(1); letters !== ''; letters = letters.slice(1)) {
        const spec = optionTable.find(({ short }) => short === letters[0]);
        if (!spec) throw new UsageError(`cannot use the option -${letters[0]}`);
        const inline = letters.slice(1);
        take(spec, spec.value !== undefined && inline !== '' ? inline : undefined);
        if (spec.value !== undefined) break;
      }
    } else words.push(word);
  }
  return { options, words };
}

/** The verb that the words name, and the values of its arguments. Without a verb, help of the group is wanted. */
export interface Chosen {
  group: VerbGroup;
  verb?: Verb;
  values: string[];
}

/**
 * Finds the verb of a line.
 * @throws UsageError for unknown names (with the nearest known one) and for missing or too many arguments
 */
export function chooseVerb(words: readonly string[], groups: readonly VerbGroup[]): Chosen {
  const [groupName = '', verbName, ...values] = words;
  const group = groups.find(({ names }) => names.includes(groupName));
  if (!group)
    throw new UsageError(
      `cannot find the command ${groupName}${suggest(
        groupName,
        groups.flatMap(({ names }) => names),
      )}`,
    );
  if (verbName === undefined) return { group, values: [] };
  const verb = group.verbs.find(({ names }) => names.includes(verbName));
  if (!verb) {
    const known = group.verbs.flatMap(({ names }) => names);
    if (known.length === 0) throw new UsageError(`cannot use ${verbName}: ${groupName} takes no arguments`, { group });
    throw new UsageError(`cannot find the verb ${groupName} ${verbName}${suggest(verbName, known)}`, { group });
  }
  return { group, verb, values };
}

/** @throws UsageError when the values do not fit the arguments of the verb */
export function checkArguments(group: VerbGroup, verb: Verb, values: readonly string[]): void {
  const expected = verb.arguments ?? [];
  const missing = expected.find(({ optional }, index) => !optional && values[index] === undefined);
  if (missing) throw new UsageError(`cannot go on without <${missing.name}>`, { group, verb });
  const extra = values[expected.length];
  if (extra !== undefined) throw new UsageError(`cannot use the argument ${extra}`, { group, verb });
}

/** `; did you mean …?` when a known word is near, else nothing. */
function suggest(word: string, known: readonly string[]): string {
  const [near] = nearest(word, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
