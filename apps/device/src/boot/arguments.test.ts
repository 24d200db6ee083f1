import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helpText, parseArguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';

test('options take their value from the next word or after an equals sign', () => {
  assert.deepEqual(parseArguments(['--storage', '/s', '--state=/x', '--objects', '/o', '-v'], false), {
    help: false,
    version: false,
    verbose: true,
    storage: '/s',
    state: '/x',
    objects: '/o',
  });
});

test('the options and words of the configuration are left to it', () => {
  const { storage } = parseArguments(['--config', '/c', '--cmdline', 'pv_rev=1 --storage x', 'pv_appengine'], false);
  assert.equal(storage, undefined);
});

test('what is not known, lacks its value or makes no sense is refused, but not as PID 1', () => {
  for (const argv of [['--stroage', '/s'], ['--storage'], ['--storage='], ['--objects', '/o'], ['quiet']])
    assert.throws(() => parseArguments(argv, false), { name: 'Failure', code: 'usage' }, argv.join(' '));
  assert.equal(parseArguments(['quiet', 'splash'], true).storage, undefined);
});

test('every exit code is different and in the help', () => {
  const codes = Object.values(exitCodes).map(({ code }) => code);
  assert.equal(new Set(codes).size, codes.length);
  for (const { meaning } of Object.values(exitCodes)) assert.ok(helpText().includes(meaning));
});
