/** Where pvcontrol reads and writes: the process' streams, or those of a test. */

export interface Output {
  isTTY: boolean;
  /** Width in characters, when it is a terminal. */
  columns: number;
  write(text: string | Uint8Array): void;
}

export interface Terminal {
  stdout: Output;
  stderr: Output;
  environment: Readonly<Record<string, string | undefined>>;
  /** Standard input, for uploads from a pipe. */
  stdin(): AsyncIterable<Uint8Array>;
}

const codes = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const;
export type Style = keyof typeof codes;

/** Puts text into a style on outputs that show one; NO_COLOR (no-color.org) and TERM=dumb switch that off. */
export function painter(output: Output, environment: Terminal['environment']): (style: Style, text: string) => string {
  const enabled = output.isTTY && !environment.NO_COLOR && environment.TERM !== 'dumb';
  return (style, text) => (enabled ? `\u001b[${codes[style]}m${text}\u001b[0m` : text);
}

/** The real streams. A reader that goes away (`pvcontrol ls | head -1`) is no failure. */
export function processTerminal(): Terminal {
  const wrap = (stream: NodeJS.WriteStream): Output => {
    stream.on('error', () => {});
    return {
      isTTY: stream.isTTY === true,
      columns: stream.columns ?? 80,
      write: (text) => {
        stream.write(text);
      },
    };
  };
  return {
    stdout: wrap(process.stdout),
    stderr: wrap(process.stderr),
    environment: process.env,
    stdin: () => process.stdin,
  };
}
