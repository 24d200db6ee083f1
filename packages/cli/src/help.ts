/** Help made from the table of commands. */
import type { CommandSpec, ExitCode, Flag } from './command.ts';

const indent = 26;

function row(left: string, right: string): string {
  return left.length + 4 > indent
    ? `  ${left}\n${' '.repeat(indent)}${right}\n`
    : `  ${left.padEnd(indent - 2)}${right}\n`;
}

function flagRow(flag: Flag): string {
  const names = flag.names.map((name) => (name.length === 1 ? `-${name}` : `--${name}`));
  const value = flag.kind === 'boolean' ? '' : ` <${flag.value ?? 'value'}>`;
  const notes = [
    ...(flag.fallback ? [`default: ${flag.fallback}`] : []),
    ...(flag.env ? [flag.env.join(', ')] : []),
    ...(flag.kind === 'list' ? ['may be repeated'] : []),
  ];
  return row(`${names.join(', ')}${value}`, notes.length === 0 ? flag.help : `${flag.help} [${notes.join('; ')}]`);
}

/**
 * The help of a command or a group.
 * @param path the command and the groups above it
 * @param exitCodes listed in the help of the program itself
 */
export function helpText<C>(path: readonly CommandSpec<C>[], exitCodes: readonly ExitCode[] = []): string {
  const command = path.at(-1)!;
  const title = path.map(({ names }) => names[0]).join(' ');
  const args = (command.arguments ?? []).map(({ name, optional, rest }) => {
    const text = rest ? `${name}…` : name;
    return optional ? `[${text}]` : `<${text}>`;
  });
  const flags = command.flags ?? [];
  const usage = [
    title,
    flags.length > 0 ? '[flags]' : '',
    command.commands ? (command.run ? '[command]' : '<command>') : '',
    ...args,
  ];
  const aliases = path.length > 1 ? command.names.slice(1) : [];
  const sections: string[] = [
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.\n`,
    `\nUsage: ${usage.filter((word) => word !== '').join(' ')}\n`,
  ];
  if (aliases.length > 0) sections.push(`Also: ${aliases.join(', ')}\n`);
  if (command.about) sections.push(`\n${command.about.trim()}\n`);
  const commands = (command.commands ?? []).filter(({ hidden }) => !hidden);
  if (commands.length > 0)
    sections.push('\nCommands:\n', ...commands.map(({ names, summary }) => row(names.join(', '), summary)));
  const described = command.arguments ?? [];
  if (described.length > 0) sections.push('\nArguments:\n', ...described.map(({ name, help }) => row(name, help)));
  if (flags.length > 0)
    sections.push(path.length > 1 ? '\nFlags:\n' : '\nFlags of every command:\n', ...flags.map(flagRow));
  if (command.examples?.length)
    sections.push('\nExamples:\n', ...command.examples.map(([line, about]) => `  $ ${line}\n      ${about}\n`));
  if (path.length === 1 && exitCodes.length > 0)
    sections.push(
      '\nExit codes:\n',
      ...exitCodes.map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}\n`),
    );
  if (path.length > 1) sections.push(`\n'${path[0]!.names[0]} --help' lists the flags of every command.\n`);
  return sections.join('');
}
