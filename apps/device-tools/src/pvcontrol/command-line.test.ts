import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkArguments, chooseVerb, readWords, UsageError } from './command-line.ts';
import { exitCodeOf } from './exit-codes.ts';
import { createProgressBar } from './progress-bar.ts';
import { formatBytes, formatDuration, formatTable, printable } from './table.ts';
import type { VerbGroup } from './verb.ts';

const run = async () => {};
const groups: VerbGroup[] = [
  {
    names: ['steps', 'step'],
    summary: 's',
    verbs: [
      {
        names: ['put'],
        summary: 'p',
        examples: [],
        arguments: [
          { name: 'path', kind: 'path', help: 'h' },
          { name: 'name', kind: 'text', optional: true, help: 'h' },
        ],
        run,
      },
    ],
  },
];

test('options stand anywhere, short or long, joined or apart', () => {
  assert.deepEqual(readWords(['-s', '/x', 'ls', '--json', '-vm', 'text', '--file=a=b']), {
    options: { socket: '/x', json: true, verbose: true, message: 'text', file: 'a=b' },
    words: ['ls'],
  });
  assert.deepEqual(readWords(['-s/x', 'put', '-1234', '-', '--', '-v', '--json']), {
    options: { socket: '/x' },
    words: ['put', '-1234', '-', '-v', '--json'],
  });
  for (const argv of [['-x'], ['--nothing'], ['-s'], ['--json=1'], ['-vs']])
    assert.throws(() => readWords(argv), UsageError);
});

test('words that are no options are kept in order, whatever they are', () => {
  const word = fc.string().filter((text) => !text.startsWith('-'));
  fc.assert(
    fc.property(fc.array(word), fc.array(fc.string()), (before, after) => {
      assert.deepEqual(readWords([...before, '--', ...after]).words, [...before, ...after]);
    }),
  );
});

test('any line is read or refused with a sentence', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('steps', 'put', '-s', '--json', '--'))), (argv) => {
      try {
        const { group, verb, values } = chooseVerb(readWords(argv).words, groups);
        if (verb) checkArguments(group, verb, values);
      } catch (error) {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, /^cannot /);
      }
    }),
  );
});

test('verbs are found by all their names; near misses are suggested', () => {
  const chosen = chooseVerb(['step', 'put', 'a', 'b'], groups);
  assert.equal(chosen.verb?.names[0], 'put');
  assert.deepEqual(chosen.values, ['a', 'b']);
  assert.throws(() => chooseVerb(['stps'], groups), /did you mean steps\?/);
  assert.throws(
    () => chooseVerb(['quite-different'], groups),
    (error: Error) => !error.message.includes('did you mean'),
  );
  assert.throws(() => checkArguments(chosen.group, chosen.verb!, []), /without <path>/);
  assert.throws(() => checkArguments(chosen.group, chosen.verb!, ['a', 'b', 'c']), /the argument c/);
});

test('exit codes of answers', () => {
  const codes = [
    exitCodeOf(200, undefined),
    exitCodeOf(503, 'x'),
    exitCodeOf(422, 'Object has bad checksum'),
    exitCodeOf(204, undefined),
  ];
  assert.deepEqual(codes, [0, 75, 60, 255]);
});

const plain = (_: string, text: string) => text;

test('tables line up, cut the last column, and let no control characters through', () => {
  const table = formatTable(
    ['A', 'LONG'],
    [
      [{ text: 'x' }, { text: 'y'.repeat(50) }],
      [{ text: 'äöü' }, { text: '1', right: true }],
    ],
    plain,
    20,
  );
  assert.deepEqual(table.split('\n'), ['A    LONG', `x    ${'y'.repeat(14)}…`, `äöü  ${' '.repeat(49)}1`, '']);
  assert.equal(printable('a\u001b[31mb\n\u0000\u009bc'), 'a [31mb   c');
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 5 }), (pairs) => {
      const text = formatTable(
        ['A', 'B'],
        pairs.map(([left, right]) => [{ text: left }, { text: right }]),
        plain,
        60,
      );
      assert.equal(text.split('\n').length, pairs.length + 2);
    }),
  );
});

test('sizes and durations', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 157_286_400, 1024 ** 5].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '150 MiB',
    '1024 TiB',
  ]);
  assert.deepEqual([0, 59, 61, 3600, 90_061].map(formatDuration), ['0 s', '59 s', '1 min 1 s', '1 h 0 min', '1 d 1 h']);
});

test('a progress bar draws at most ten times a second, ends full, and is silent without a terminal', () => {
  const drawn: string[] = [];
  let time = 0;
  const output = { isTTY: true, columns: 100, write: (text: string | Uint8Array) => void drawn.push(String(text)) };
  const bar = createProgressBar(output, 'file', 1000, () => time);
  for (let bytes = 0; bytes <= 1000; bytes += 10) {
    time += 10;
    bar.update(bytes);
  }
  assert.ok(drawn.length <= 12, String(drawn.length));
  assert.match(drawn.at(-1) ?? '', /\[#+\] 100 %/);
  const silent = createProgressBar({ ...output, isTTY: false }, 'file', 1000, () => time);
  silent.update(500);
  silent.end();
  assert.ok(drawn.length <= 12);
});
