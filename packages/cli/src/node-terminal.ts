/** The terminal of a process on Node. */
import { fstatSync, writeSync } from 'node:fs';
import type { Output, Terminal } from './terminal.ts';

/**
 * The standard input and outputs of the process. A reader that goes away (`… | head -1`) is no failure.
 *
 * Node's own streams are not used for what is written: loading them takes a quarter as long as all the rest of a short run.
 */
export function processTerminal(): Terminal {
  return {
    stdout: outputOf(1),
    stderr: outputOf(2),
    environment: process.env,
    get interactive() {
      return isTerminal(0) && isTerminal(2);
    },
    ask,
  };
}

/** Standard output (1) or error (2); when its reader has gone, it takes everything silently. */
export function outputOf(descriptor: 1 | 2): Output {
  let terminal: boolean | undefined;
  const isTTY = (): boolean => {
    terminal ??= isTerminal(descriptor);
    return terminal;
  };
  return {
    get isTTY() {
      return isTTY();
    },
    get columns() {
      return (isTTY() ? (descriptor === 1 ? process.stdout : process.stderr).columns : undefined) ?? 80;
    },
    write: (text) => writeAll(descriptor, typeof text === 'string' ? Buffer.from(text) : text),
  };
}

function isTerminal(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(descriptor);
  } catch {
    // Closed by whoever started the process.
    return false;
  }
}

/** Milliseconds until a reader that was too slow is tried again. */
const patience = 2;

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      // A pipe that somebody else made non-blocking is full; anything else is a reader that has gone.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, patience);
    }
  }
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
