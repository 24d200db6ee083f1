import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions, type StartOptions } from './options.ts';

const refusal = (...argv: string[]) => {
  const result = readOptions(argv, '/home/x');
  assert.ok('exitCode' in result, 'expected a refusal');
  return result;
};

test('without arguments: a temporary device with the demonstration', () => {
  assert.deepEqual(readOptions([], '/home/x'), {
    storage: undefined,
    revision: undefined,
    logs: false,
    small: false,
    hub: true,
  });
});

test('paths are relative to where the person is, not to the checkout', () => {
  assert.deepEqual(readOptions(['--storage', 'd', '--state', '/s.json', '--objects', '../o', '--logs'], '/home/x'), {
    storage: '/home/x/d',
    revision: { state: '/s.json', objects: '/home/o' },
    logs: true,
    small: false,
    hub: false,
  });
  assert.equal((readOptions(['--small'], '/') as StartOptions).small, true);
  assert.equal((readOptions(['--no-hub'], '/') as StartOptions).hub, false);
});

test('a misspelt option is answered with the right one', () => {
  const { text, exitCode, stream } = refusal('--storge', 'x');
  assert.match(text, /^start: unknown option '--storge'\n\(Did you mean --storage\?\)/);
  assert.equal(exitCode, 64);
  assert.equal(stream, 'stderr');
});

test('half of a revision, a missing value and stray words are refused', () => {
  assert.match(refusal('--state', 'x').text, /--state and --objects belong together/);
  assert.match(refusal('--objects', 'x').text, /--state and --objects belong together/);
  assert.match(refusal('--storage').text, /argument missing/);
  assert.equal(refusal('word').exitCode, 64);
});

test('--help is an answer, not an error, and names the exit codes', () => {
  const { text, exitCode, stream } = refusal('--help');
  assert.equal(exitCode, 0);
  assert.equal(stream, 'stdout');
  for (const word of ['--storage', '--state', '--objects', '--logs', 'ready socket=PATH url=URL', '69']) {
    assert.ok(text.replace(/\s+/g, ' ').includes(word), word);
  }
});
