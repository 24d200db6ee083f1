/** Running a JavaScript program as an executable of the small host. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { buildExecutable } from '../executable.ts';
import { type TargetName, targets } from '../toolchain.ts';

export const root = resolve(import.meta.dirname, '../../..');
export const cache = resolve(root, '../../build/small-host');
const prelude = `
const bytes = new Uint8Array(machine.window), view = new DataView(machine.window);
const print = (text) => machine.sys([1, 64, 4][machine.architecture()], 2, 1, 0, machine.put(text + '\\n', 0));
`;

export const own: TargetName = process.arch === 'arm64' ? 'arm64' : 'x64';
/** What runs an executable of a foreign architecture. */
const emulators: Record<TargetName, string> = {
  x64: 'qemu-x86_64-static',
  arm64: 'qemu-aarch64-static',
  arm: 'qemu-arm-static',
};

/**
 * Builds a program into an executable and runs it, under an emulator when the architecture is foreign.
 * @param shell command line around `PROGRAM`
 */
export function run(program: string, options: { shell?: string; target?: TargetName } = {}) {
  const target = options.target ?? own;
  const executable = buildExecutable({
    target: targets[target],
    root,
    cache,
    programs: [{ file: 'test.js', names: [], text: prelude + program }],
    say: () => {},
  });
  const start = target === own ? executable : `${emulators[target]} ${executable}`;
  const argv = ['-c', (options.shell ?? 'exec PROGRAM').replace('PROGRAM', start)];
  const { status, stdout, stderr } = spawnSync('sh', argv, { encoding: 'utf8', timeout: 60_000 });
  return { status, lines: stdout.trimEnd().split('\n'), stderr };
}

const exhaustion = `
  const attempt = (name, work) => { try { work(); print(name + ' passed'); } catch (error) { print(name + ': ' + error.name); } };
  attempt('recursion', () => { const dive = (depth) => 1 + dive(depth + 1); dive(0); });
  attempt('deep JSON', () => JSON.parse('['.repeat(500000)));
  attempt('deep regular expression', () => new RegExp('('.repeat(3000)));
  attempt('memory', () => { const kept = []; for (;;) kept.push(new Uint8Array(1e6)); });
  attempt('after all that', () => JSON.parse('{"a":[1,2,3]}'));
  machine.turn = () => machine.exit(0);`;
const exhausted = ['recursion: RangeError', 'deep JSON: RangeError'];

/** What is too deep or too large for an executable is a JavaScript error, and not a crash. */
export function assertExhaustible(options: { shell?: string; target?: TargetName } = {}): void {
  const { status, lines, stderr } = run(exhaustion, options);
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.deepEqual(lines.slice(0, 2), exhausted);
  assert.match(lines[3]!, /^memory: (InternalError|RangeError)$/);
  assert.equal(lines[4], 'after all that passed');
}
