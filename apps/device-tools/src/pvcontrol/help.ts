/** Help texts, made from the table of verbs. */
import { optionTable } from './command-line.ts';
import { exitCodes } from './exit-codes.ts';
import type { Argument, Verb, VerbGroup } from './verb.ts';

type Example = readonly [string, string];

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return '';
  const width = Math.max(...rows.map(([left]) => left.length));
  return `\n${title}:\n${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')}`;
}

function examplesOf(examples: readonly Example[]): string {
  if (examples.length === 0) return '';
  return `\nExamples:\n${examples.map(([line, about]) => `  $ ${line}\n      ${about}\n`).join('')}`;
}

const options = section(
  'Options',
  optionTable.map(({ short, long, value, help }) => [
    `${short === undefined ? '    ' : `-${short}, `}--${long}${value === undefined ? '' : ` <${value}>`}`,
    help,
  ]),
);
const named = (names: readonly string[]) => names.join(', ');
const argumentText = ({ name, optional }: Argument) => (optional ? `[${name}]` : `<${name}>`);

/** `pvcontrol steps put <path> <revision>` */
export function usageLine(group: VerbGroup, verb?: Verb): string {
  const words = ['pvcontrol', '[options]', group.names[0]!];
  if (verb) words.push(verb.names[0]!, ...(verb.arguments ?? []).map(argumentText));
  else if (group.verbs.length > 0) words.push('<verb>', '…');
  return `Usage: ${words.join(' ')}\n`;
}

/** Help of one verb. */
export function verbHelp(group: VerbGroup, verb: Verb): string {
  const { arguments: list = [], names, summary, examples } = verb;
  const also = names.length > 1 ? `\nAlso: ${named(names.slice(1))}\n` : '';
  const rows = list.map((argument): Example => [argumentText(argument), argument.help]);
  return `${usageLine(group, verb)}\n${capital(summary)}.\n${also}${section('Arguments', rows)}${options}${examplesOf(examples)}`;
}

/** Help of a group of verbs, or of a verb that stands alone. */
export function groupHelp(group: VerbGroup): string {
  const { names, summary, verbs, examples = [] } = group;
  const also = names.length > 1 ? `\nAlso: ${named(names.slice(1))}\n` : '';
  const rows = verbs.map((verb): Example => {
    const words = [named(verb.names), ...(verb.arguments ?? []).map(argumentText)];
    return [words.join(' '), verb.summary];
  });
  const shown = examples.length > 0 ? examples : verbs.flatMap((verb) => verb.examples.slice(0, 1));
  return `${usageLine(group)}\n${capital(summary)}.\n${also}${section('Verbs', rows)}${options}${examplesOf(shown)}`;
}

/** Help of the whole program, with the exit codes. */
export function programHelp(groups: readonly VerbGroup[]): string {
  const rows = groups.map(({ names, summary }): Example => [named(names), summary]);
  const codes = Object.values(exitCodes).map(({ code, meaning }): Example => [String(code).padStart(3), meaning]);
  const examples: Example[] = [
    ['pvcontrol ls', 'containers with status and goal'],
    ['pvcontrol containers restart app', 'restarts one of them'],
    ['pvcontrol -m "from CI" steps install app.tgz locals/app-7', 'uploads a revision from an archive'],
    ['pvcontrol cmd run locals/app-7', 'and runs it'],
    ['source <(pvcontrol completion bash)', 'completion for this shell; also zsh and fish'],
  ];
  return `Usage: pvcontrol [options] <command> …

Controls a Pantavisor device over its control socket. 'pvcontrol <command> --help' tells more.
${section('Commands', rows)}${options}${examplesOf(examples)}${section('Exit codes', codes)}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
