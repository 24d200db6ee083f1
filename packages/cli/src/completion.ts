/** Completion: the shells ask `<program> __complete <words>` for candidates, which come from the table of commands. */
import type { CommandSpec, Flag } from './command.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/**
 * The script that a shell has to read, e.g. with `source <(pvr completion bash)`. Files are completed by the shell itself
 * when the program has no candidates.
 */
export function completionScript(shell: Shell, program: string): string {
  const id = program.replace(/[^A-Za-z0-9_]/g, '_');
  switch (shell) {
    case 'bash':
      // Bash splits words at colons and equals signs, too; the program gets them whole, and bash only what follows the last one.
      return `_${id}() {
  local IFS=$'\\n' words=() word glue= last at
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    at=\${#words[@]}
    if [[ $at -gt 0 && ( -n $glue || $word == [:=]* ) ]]; then words[at-1]+=$word; else words+=("$word"); fi
    glue=; [[ $word == *[:=] ]] && glue=1
  done
  last=\${words[\${#words[@]}-1]}
  COMPREPLY=($(${program} __complete "\${words[@]}" 2>/dev/null | cut -f1))
  [[ $last == *[:=]* ]] && COMPREPLY=("\${COMPREPLY[@]#"\${last%"\${last##*[:=]}"}"}")
  [[ -z "\${COMPREPLY[*]}" ]] && { COMPREPLY=(); compopt -o default 2>/dev/null; }
  return 0
}
complete -F _${id} ${program}
`;
    case 'zsh':
      return `#compdef ${program}
_${id}() {
  local -a found
  local line about
  while IFS=$'\\t' read -r line about; do found+=("\${line//:/\\\\:}:$about"); done \\
    < <(${program} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#found} )) && _describe ${program} found || _files
}
compdef _${id} ${program}
`;
    case 'fish':
      return `complete -c ${program} -a '(${program} __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`;
  }
}

/** Names for one kind of argument or value, with an explanation. An empty list leaves the place to the shell's files. */
export type CandidateSource = (kind: string, word: string) => Promise<readonly (readonly [string, string])[]>;

/** Candidates for the last of the words, one a line, a tab before the explanation. */
export async function findCandidates<C>(
  program: CommandSpec<C>,
  words: readonly string[],
  source: CandidateSource,
): Promise<string> {
  const current = words.at(-1) ?? '';
  const path = [program];
  const flagOf = (word: string): Flag | undefined => {
    const name = word.replace(/^--?/, '');
    return path
      .toReversed()
      .flatMap(({ flags }) => flags ?? [])
      .find(({ names }) => names.includes(name));
  };
  let values = 0;
  for (let index = 0; index < words.length - 1; index += 1) {
    const word = words[index]!;
    if (word.startsWith('-') && word !== '-') {
      const flag = flagOf(word);
      if (!flag || flag.kind === 'boolean' || word.includes('=')) continue;
      index += 1;
      if (index === words.length - 1) return format(await candidatesOf(flag, current, source), current);
      continue;
    }
    const next = values === 0 ? path.at(-1)!.commands?.find(({ names }) => names.includes(word)) : undefined;
    if (next) path.push(next);
    else values += 1;
  }
  const command = path.at(-1)!;
  const equals = current.indexOf('=');
  if (current.startsWith('-') && equals > 0) {
    const flag = flagOf(current.slice(0, equals));
    const found = flag ? await candidatesOf(flag, current.slice(equals + 1), source) : [];
    return format(
      found.map(([name, help]) => [current.slice(0, equals + 1) + name, help] as const),
      current,
    );
  }
  if (current.startsWith('-')) {
    const flags = path.flatMap(({ flags: own }) => own ?? []);
    return format(
      [...flags.map(({ names, help }) => [`--${names[0]}`, help] as const), ['--help', 'show help']],
      current,
    );
  }
  const commands = values === 0 ? (command.commands ?? []).filter(({ hidden }) => !hidden) : [];
  const found: (readonly [string, string])[] = commands.map(({ names, summary }) => [names[0]!, summary]);
  const argument = command.arguments?.[values] ?? command.arguments?.findLast(({ rest }) => rest);
  if (argument) found.push(...(await candidatesOf(argument, current, source)));
  return format(found, current);
}

async function candidatesOf(
  { choices, complete }: Pick<Flag, 'choices' | 'complete'>,
  word: string,
  source: CandidateSource,
): Promise<readonly (readonly [string, string])[]> {
  if (choices) return choices.map((name) => [name, ''] as const);
  return complete === undefined ? [] : source(complete, word);
}

function format(found: readonly (readonly [string, string])[], current: string): string {
  return found
    .filter(([name]) => name.startsWith(current))
    .map(([name, help]) => (help === '' ? `${name}\n` : `${name}\t${help}\n`))
    .join('');
}
