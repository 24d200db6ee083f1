/** Completion: the shells ask `pvcontrol __complete` for candidates, which come from the table of verbs and from the device. */
import { PortableControlClient } from '@pantavisor/ctrl-api/portable';
import type { ToolHost } from '../host/ports.ts';
import { optionTable } from './command-line.ts';
import { findSocket } from './session.ts';
import type { Candidate, VerbGroup } from './verb.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** Milliseconds that a device may take to answer while somebody waits with a finger on the tab key. */
const patience = 800;

/** `NAME` stands for the program. */
const scripts: Record<Shell, string> = {
  bash: `_NAME() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(NAME __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ -z "\${COMPREPLY[*]}" ] && compopt -o default 2>/dev/null
}
complete -F _NAME NAME
`,
  zsh: `#compdef NAME
_NAME() {
  local -a found
  local line
  while IFS=$'\\t' read -r line about; do found+=("\${line//:/\\\\:}:$about"); done \\
    < <(NAME __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#found} )) && _describe NAME found || _files
}
compdef _NAME NAME
`,
  fish: `complete -c NAME -a '(NAME __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
};

/** The script that a shell has to read, e.g. with \`source <(pvcontrol completion bash)\`. */
export function completionScript(shell: Shell, program: string): string {
  return scripts[shell].replaceAll('NAME', program);
}

const optionsWithValue = new Set(
  optionTable.flatMap(({ short, long, value }) => (value === undefined ? [] : [`-${short}`, `--${long}`])),
);
const optionHelp = optionTable.map(({ long, help }) => [`--${long}`, help] as const);

/**
 * Candidates for the last of the given words, one a line, a tab before the explanation. Never fails: without a device there
 * are simply no names.
 */
export async function complete(
  words: readonly string[],
  groups: readonly VerbGroup[],
  host: ToolHost,
): Promise<string> {
  const current = words.at(-1) ?? '';
  const before: string[] = [];
  let socket: string | undefined;
  for (let index = 0; index < words.length - 1; index += 1) {
    const word = words[index]!;
    if (optionsWithValue.has(word)) {
      if (word === '-s' || word === '--socket') socket = words[index + 1];
      index += 1;
      // The value of an option is a path or free text: the shell's own completion of files fits best.
      if (index === words.length - 1) return '';
    } else if (!word.startsWith('-')) before.push(word);
  }
  const found = current.startsWith('-') ? optionHelp : await candidates(before, groups, host, socket);
  return found
    .filter(([name]) => name.startsWith(current))
    .map(([name, help]) => `${name}\t${help}\n`)
    .join('');
}

async function candidates(
  before: readonly string[],
  groups: readonly VerbGroup[],
  host: ToolHost,
  socket: string | undefined,
): Promise<readonly (readonly [string, string])[]> {
  const [groupName, verbName, ...values] = before;
  if (groupName === undefined) return groups.map(({ names, summary }) => [names[0]!, summary]);
  const group = groups.find(({ names }) => names.includes(groupName));
  if (!group) return [];
  if (verbName === undefined) return group.verbs.map(({ names, summary }) => [names[0]!, summary]);
  const argument = group.verbs.find(({ names }) => names.includes(verbName))?.arguments?.[values.length];
  return argument ? namesOf(argument.kind, host, socket) : [];
}

async function namesOf(
  kind: Candidate,
  host: ToolHost,
  socket: string | undefined,
): Promise<(readonly [string, string])[]> {
  const client = new PortableControlClient(host.transport, findSocket(socket, host), { timeout: patience });
  const ask: Partial<Record<Candidate, () => Promise<(readonly [string, string])[]>>> = {
    container: async () => (await client.containers()).map(({ name, status }) => [name, status] as const),
    object: async () => (await client.objects()).map(({ sha256, size }) => [sha256, `${size} bytes`] as const),
    revision: async () => (await client.steps()).map(({ name, commitmsg }) => [name, commitmsg] as const),
    usrmeta: async () => Object.keys(await client.userMetadata()).map((key) => [key, 'user metadata'] as const),
    devmeta: async () => Object.keys(await client.deviceMetadata()).map((key) => [key, 'device metadata'] as const),
  };
  // Without a device, or without the right to ask it, there are no names to offer; that is no failure.
  return (await ask[kind]?.().catch(() => undefined)) ?? [];
}
