/** A directory of its own for each test, and pvr run in this process. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { captureTerminal } from '@pantavisor/cli/testing';
import { runPvr } from '../program.ts';

export interface Run {
  code: number;
  out: string;
  err: string;
}

export interface Workspace {
  /** Working directory of the runs. */
  directory: string;
  home: string;
  path(name: string): string;
  /** Writes files; a value that is no text is written as JSON. */
  write(files: Readonly<Record<string, unknown>>, below?: string): void;
  /** Runs pvr in the directory, or in one below it. */
  run(argv: readonly string[], below?: string, environment?: Readonly<Record<string, string>>): Promise<Run>;
  /** Runs pvr and fails unless it succeeds. @returns what it printed */
  ok(argv: readonly string[], below?: string, environment?: Readonly<Record<string, string>>): Promise<string>;
}

/** @param environment variables of all runs; HOME is a directory beside the working directory */
export function makeWorkspace(context: TestContext, environment: Readonly<Record<string, string>> = {}): Workspace {
  const top = mkdtempSync(join(tmpdir(), 'pvr-test-'));
  context.after(() => rmSync(top, { recursive: true, force: true }));
  const [directory, home] = [join(top, 'work'), join(top, 'home')];
  mkdirSync(directory);
  mkdirSync(home);
  const path = (name: string): string => join(directory, name);
  const run: Workspace['run'] = async (argv, below = '.', more = {}) => {
    const terminal = captureTerminal({ PATH: process.env.PATH, HOME: home, ...environment, ...more });
    const code = await runPvr(argv, terminal, join(directory, below));
    return { code, ...terminal.written };
  };
  return {
    directory,
    home,
    path,
    run,
    write: (files, below = '.') => {
      for (const [name, content] of Object.entries(files)) {
        const file = join(directory, below, name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(
          file,
          typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content),
        );
      }
    },
    ok: async (argv, below, more) => {
      const { code, out, err } = await run(argv, below, more);
      if (code !== 0) throw new Error(`pvr ${argv.join(' ')} ended with ${code}: ${err}`);
      return out;
    },
  };
}
