/** The terminal of a process on Node. */
import type { Output, Terminal } from './terminal.ts';

/** The real streams. A reader that goes away (`… | head -1`) is no failure. */
export function processTerminal(): Terminal {
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    environment: process.env,
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    ask,
  };
}

/** A stream of the process; one whose reader has gone takes everything silently. */
export function outputOf(stream: NodeJS.WriteStream): Output {
  stream.on('error', () => {});
  return {
    isTTY: stream.isTTY === true,
    columns: stream.columns ?? 80,
    write: (text) => {
      stream.write(text);
    },
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
