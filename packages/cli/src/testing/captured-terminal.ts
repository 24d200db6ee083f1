/** A terminal for tests: it keeps what a program writes. */
import type { Environment, Terminal } from '../terminal.ts';

export interface CapturedTerminal extends Terminal {
  /** What was written so far. */
  written: { out: string; err: string };
}

/** @param typed what a person answers to every question; undefined: nobody is there to be asked */
export function captureTerminal(environment: Environment = {}, typed?: string): CapturedTerminal {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({
    isTTY: false,
    columns: 80,
    write: (text: string | Uint8Array) => {
      written[name] += typeof text === 'string' ? text : new TextDecoder().decode(text);
    },
  });
  return {
    written,
    stdout: stream('out'),
    stderr: stream('err'),
    environment,
    interactive: typed !== undefined,
    ask: (question) =>
      typed === undefined ? Promise.reject(new Error(`a test is asked: ${question}`)) : Promise.resolve(typed),
  };
}
