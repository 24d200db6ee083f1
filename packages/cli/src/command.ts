/** What a command line is made of: plain tables, read by the parser, the help, the completion and the tests. */

export interface Flag {
  /** The first name is the long one; the others are aliases, mostly one letter. */
  names: readonly string[];
  /** `list` may be given several times; from the environment it is separated by commas. */
  kind: 'boolean' | 'text' | 'list';
  /** Placeholder of the value in the help. */
  value?: string;
  /** Environment variables that stand for the flag, the first that is set wins. */
  env?: readonly string[];
  fallback?: string;
  help: string;
  /** All values that there are. */
  choices?: readonly string[];
  /** What completes the value, e.g. `file`. */
  complete?: string;
}

export interface ArgumentSpec {
  name: string;
  optional?: true;
  /** Takes all that follows, too. */
  rest?: true;
  help: string;
  /** All values that there are. */
  choices?: readonly string[];
  /** What completes it, e.g. `file`, `app`, `device`. */
  complete?: string;
}

/** A command line and what it does. */
export type Example = readonly [line: string, about: string];

export interface ExitCode {
  code: number;
  meaning: string;
}

/** What a command says on standard output: one form for people, one for programs. */
export interface Result {
  /** Printed as it is; must end with a line end unless empty. */
  text: string;
  /** Printed with `--json`, as one line. */
  json: unknown;
}

/** A command, or a group of commands when it has `commands`. `C` is what the program hands to its commands. */
export interface CommandSpec<C> {
  /** The first name is shown; the others are aliases. When two commands share an alias, the first one has it. */
  names: readonly string[];
  summary: string;
  /** Paragraphs of the help below the summary. */
  about?: string;
  arguments?: readonly ArgumentSpec[];
  flags?: readonly Flag[];
  examples?: readonly Example[];
  /** Not listed in the help. */
  hidden?: true;
  commands?: readonly CommandSpec<C>[];
  run?(context: C, input: Input): Promise<Result | undefined>;
}

/** The arguments and flags of one run. */
export class Input {
  readonly values: readonly string[];
  readonly #flags: ReadonlyMap<string, readonly string[]>;

  /** @param flags values by the first name of the flag; a boolean has `true` or `false` */
  constructor(values: readonly string[], flags: ReadonlyMap<string, readonly string[]>) {
    this.values = values;
    this.#flags = flags;
  }

  /** The value of a flag: the last one given, else that of the environment, else the fallback. */
  text(name: string): string | undefined {
    return this.#flags.get(name)?.at(-1);
  }

  list(name: string): readonly string[] {
    return this.#flags.get(name) ?? [];
  }

  on(name: string): boolean {
    return this.text(name) === 'true';
  }
}
