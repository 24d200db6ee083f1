import assert from 'node:assert/strict';
import test from 'node:test';
import type { CommandSpec } from './command.ts';
import { completionScript, findCandidates, shells } from './completion.ts';
import { Failure } from './failure.ts';
import { helpText } from './help.ts';
import { parseCommandLine } from './parse.ts';
import { nearest } from './suggest.ts';
import { formatBytes, formatTable } from './table.ts';

const run = async () => undefined;
const program: CommandSpec<unknown> = {
  names: ['prog'],
  summary: 'does things',
  flags: [
    { names: ['config', 'c'], kind: 'text', env: ['PROG_CONFIG'], help: 'settings', fallback: 'none' },
    { names: ['debug', 'd'], kind: 'boolean', env: ['PROG_DEBUG'], help: 'say more' },
  ],
  commands: [
    {
      names: ['add', 'a'],
      summary: 'add files',
      arguments: [{ name: 'file', optional: true, rest: true, help: 'files', complete: 'file' }],
      flags: [
        { names: ['canonical', 'c'], kind: 'boolean', help: 'canonical' },
        {
          names: ['include', 'i'],
          kind: 'list',
          env: ['PROG_INCLUDE'],
          help: 'patterns',
          fallback: '**',
          complete: 'part',
        },
      ],
      examples: [['prog add x', 'adds x']],
      run,
    },
    {
      names: ['app'],
      summary: 'apps',
      commands: [
        { names: ['rm', 'r'], summary: 'remove', arguments: [{ name: 'app', help: 'name', complete: 'app' }], run },
      ],
    },
    { names: ['again', 'a'], summary: 'shares an alias', run },
  ],
};

const parse = (line: string, environment: Record<string, string> = {}) =>
  parseCommandLine(program, line === '' ? [] : line.split(' '), environment);

test('flags may have one dash or two, the value apart or behind an equals sign, and stand anywhere', () => {
  for (const line of ['--config x add f', '-config=x add f', '-c x add f', 'add f --config x', 'add --config=x f']) {
    const { path, input } = parse(line);
    assert.equal(path.at(-1)?.names[0], 'add', line);
    assert.equal(input.text('config'), 'x', line);
    assert.deepEqual(input.values, ['f'], line);
  }
});

test('a flag of the command hides one of the program behind it', () => {
  const { input } = parse('-c settings add -c f');
  assert.equal(input.text('config'), 'settings');
  assert.equal(input.on('canonical'), true);
});

test('lists replace their fallback, the environment separates them by commas', () => {
  assert.deepEqual(parse('add').input.list('include'), ['**']);
  assert.deepEqual(parse('add -i a --include b').input.list('include'), ['a', 'b']);
  assert.deepEqual(parse('add', { PROG_INCLUDE: 'x,y' }).input.list('include'), ['x', 'y']);
});

test('booleans', () => {
  assert.equal(parse('add').input.on('debug'), false);
  assert.equal(parse('-d add').input.on('debug'), true);
  assert.equal(parse('add -debug=false', { PROG_DEBUG: '1' }).input.on('debug'), false);
  assert.equal(parse('add', { PROG_DEBUG: 'true' }).input.on('debug'), true);
  assert.throws(() => parse('-d=perhaps add'), /neither true nor false/);
});

test('two dashes end the flags, one dash is an argument', () => {
  assert.deepEqual(parse('add - -- -c --x').input.values, ['-', '-c', '--x']);
});

test('the first of two commands has a shared alias', () => {
  assert.equal(parse('a').path.at(-1)?.names[0], 'add');
});

test('wrong usage is told with what was probably meant', () => {
  const failure = (line: string): Failure => {
    try {
      parse(line);
    } catch (error) {
      assert.ok(error instanceof Failure);
      return error;
    }
    throw new Error(`${line} was accepted`);
  };
  assert.match(failure('ad x').hint!, /did you mean 'prog add'/);
  assert.match(failure('ad x').message, /No help topic for 'ad'/);
  assert.match(failure('add --includ x').hint!, /did you mean --include/);
  assert.match(failure('add --cx').hint!, /^'prog add --help' lists/);
  assert.match(failure('add -i').message, /its value is missing/);
  assert.match(failure('again x').message, /takes none/);
  assert.equal(failure('nothing').exitCode, 3);
});

test('suggestions are near, and the nearest comes first', () => {
  assert.deepEqual(nearest('comit', ['commit', 'com', 'clone']), ['commit', 'com']);
  assert.deepEqual(nearest('stauts', ['status', 'add']), ['status']);
  assert.deepEqual(nearest('xyzzy', ['status', 'add']), []);
});

test('help names flags with their environment, arguments and examples', () => {
  const text = helpText([program, program.commands![0]!]);
  assert.match(text, /Usage: prog add \[flags\] \[file…\]/);
  assert.match(text, /--include, -i <value>/);
  assert.match(text, /default: \*\*; PROG_INCLUDE; may be repeated/);
  assert.match(text, /\$ prog add x/);
  assert.match(helpText([program], [{ code: 7, meaning: 'seven' }]), / {2}7 {2}seven/);
});

test('completion knows commands, flags, values and arguments', async () => {
  const source = async (kind: string) => [[`${kind}-one`, 'first']] as const;
  const complete = (...words: string[]) => findCandidates(program, words, source);
  assert.equal(await complete('ap'), 'app\tapps\n');
  assert.equal(await complete('app', ''), 'rm\tremove\n');
  assert.equal(await complete('app', 'rm', ''), 'app-one\tfirst\n');
  assert.equal(await complete('add', '--inc'), '--include\tpatterns\n');
  assert.equal(await complete('add', '-i', ''), 'part-one\tfirst\n');
  assert.equal(await complete('-c', ''), '');
  for (const shell of shells) assert.match(completionScript(shell, 'prog'), /prog __complete/);
});

test('tables are as wide as their content, and what comes from elsewhere cannot control the terminal', () => {
  const plain = (_style: string, text: string): string => text;
  assert.equal(
    formatTable(['A', 'LONG'], [[{ text: 'xyz' }, { text: 'e\u001b[31mvil' }]], plain, 80),
    'A    LONG\nxyz  e [31mvil\n',
  );
  assert.equal(
    formatTable(['A', 'B'], [[{ text: 'x' }, { text: 'y'.repeat(50) }]], plain, 14).split('\n')[1]?.length,
    14,
  );
  assert.equal(formatBytes(1536), '1.5 KiB');
  assert.equal(formatBytes(12), '12 B');
});
