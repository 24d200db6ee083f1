/** What commands of pv-image have at hand. */
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Input, Terminal } from '@pantavisor/cli';

export interface PvImage {
  terminal: Terminal;
  /** A path as the person gave it, from the working directory on. */
  path(given: string): string;
  /** Folder for packages and products between runs. */
  cache: string;
  /** Says on standard error what takes long; silent when nobody looks or asks for JSON. */
  say(line: string): void;
}

const checkoutCache = fileURLToPath(new URL('../../build/images', import.meta.url));

export function createContext(terminal: Terminal, input: Input, directory: string): PvImage {
  const path = (given: string) => (isAbsolute(given) ? given : resolve(directory, given));
  const shown = terminal.stderr.isTTY || input.on('verbose');
  return {
    terminal,
    path,
    cache: path(input.text('cache') ?? checkoutCache),
    say: (line) => {
      if (shown) terminal.stderr.write(`pv-image: ${line}\n`);
    },
  };
}
