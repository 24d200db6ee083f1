/** Where a program reads and writes: the streams of the process, or those of a test. */

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
  /** A person can be asked. */
  interactive: boolean;
  /** Asks one question on standard error and reads a line; what is typed is not shown when `hidden`. */
  ask(question: string, options?: { hidden?: boolean }): Promise<string>;
}

const codes = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const;
export type Style = keyof typeof codes;

/** Puts text into a style on outputs that show one; NO_COLOR (no-color.org) and TERM=dumb switch that off. */
export function painter(output: Output, environment: Terminal['environment']): (style: Style, text: string) => string {
  const enabled = output.isTTY && !environment.NO_COLOR && environment.TERM !== 'dumb';
  return (style, text) => (enabled ? `\u001b[${codes[style]}m${text}\u001b[0m` : text);
}

/** The real streams. A reader that goes away (`… | head -1`) is no failure. */
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
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    ask,
  };
}

async function ask(question: string, { hidden = false } = {}): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const { Writable } = await import('node:stream');
  process.stderr.write(question);
  // readline echoes to its output; what must not be seen goes nowhere.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = process.stdin.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    output: hidden || !terminal ? silent : process.stderr,
    terminal,
  });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => reject(new Error('cannot read an answer: the input ended')));
    });
  } finally {
    lines.removeAllListeners('close');
    lines.close();
    if (hidden) process.stderr.write('*****\n');
  }
}
