/** Where a program reads and writes: the streams of a process, or those of a test. */

export interface Output {
  isTTY: boolean;
  /** Width in characters, when it is a terminal. */
  columns: number;
  write(text: string | Uint8Array): void;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Terminal {
  stdout: Output;
  stderr: Output;
  environment: Environment;
  /** A person can be asked. */
  interactive: boolean;
  /** Asks one question on standard error and reads a line; what is typed is not shown when `hidden`. */
  ask(question: string, options?: { hidden?: boolean }): Promise<string>;
}

const codes = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const;
export type Style = keyof typeof codes;

/** Puts text into a style on outputs that show one; NO_COLOR (no-color.org) and TERM=dumb switch that off. */
export function painter(output: Output, environment: Environment): (style: Style, text: string) => string {
  const enabled = output.isTTY && !environment.NO_COLOR && environment.TERM !== 'dumb';
  return (style, text) => (enabled ? `\u001b[${codes[style]}m${text}\u001b[0m` : text);
}
