/** Makes executables of test programs; for Node. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { buildExecutable, bundleProgram, targets } from '@pantavisor/small-host/build';

const root = resolve(import.meta.dirname, '../../../../../..');

/**
 * Builds a program for the small host of this machine, with stand-ins for the few modules of Node that the conformance suites use.
 * @param entry file below `host/small`
 */
export function buildProgram(entry: string): { executable: string; map: string } {
  const standIn = (name: string) => resolve(import.meta.dirname, name);
  const { text, map } = bundleProgram({
    root,
    entry: resolve(import.meta.dirname, '..', entry),
    file: 'pantavisor.js',
    alias: {
      'node:test': standIn('runner.ts'),
      'node:assert/strict': standIn('assert.ts'),
      'node:crypto': standIn('hash.ts'),
    },
  });
  const cache = resolve(root, 'build/small-host');
  mkdirSync(cache, { recursive: true });
  const executable = buildExecutable({
    target: targets[process.arch === 'arm64' ? 'arm64' : 'x64'],
    root: resolve(root, 'packages/small-host'),
    cache,
    programs: [{ file: 'pantavisor.js', names: [], text }],
    say: () => {},
  });
  return { executable, map };
}
