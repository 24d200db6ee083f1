/** The terminal and helping programs on Node. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isatty } from 'node:tty';
import { EventQueue } from './event-queue.ts';
import { createNodeTools } from './node.ts';
import type { PantaboxHost, Terminal, TerminalEvent } from './terminal-ports.ts';

/** Creates the host of this process. */
export function createNodePantabox(): PantaboxHost {
  const host = createNodeTools();
  return { ...host, terminal: isatty(0) && isatty(1) ? createTerminal(host) : undefined, help };
}

function createTerminal({ stdout }: Pick<PantaboxHost, 'stdout'>): Terminal {
  const events = new EventQueue<TerminalEvent>();
  const gone = () => events.add(undefined);
  const taken = (bytes: Buffer) => events.add(new Uint8Array(bytes));
  process.stdout.on('resize', () => events.add('resized'));
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => events.add('ended'));
  return {
    size: () => ({ columns: process.stdout.columns ?? 0, rows: process.stdout.rows ?? 0 }),
    begin() {
      process.stdin.setRawMode(true).on('data', taken).on('end', gone).on('error', gone).resume();
    },
    end() {
      process.stdin.off('data', taken).off('end', gone).off('error', gone).setRawMode(false).pause();
    },
    write: (text) => stdout.write(text),
    next: () => events.next(),
  };
}

const help: PantaboxHost['help'] = async (argv, environment, input = '') => {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: environment });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  // A program that does not read its input is no failure.
  child.stdin.on('error', () => {}).end(input);
  const closed = once(child, 'close') as Promise<[number | null]>;
  closed.catch(() => {});
  await once(child, 'spawn').catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code ?? error.message);
  });
  return { output: child.stdout, ended: closed.then(([code]) => ({ code: code ?? 128, errors: errors.join('') })) };
};
