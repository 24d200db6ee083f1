import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkArguments, chooseVerb, readWords, UsageError } from './command-line.ts';
import { exitCodeOf } from './exit-codes.ts';
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
