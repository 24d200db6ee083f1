import assert from 'node:assert/strict';
import test from 'node:test';
import { globPattern, signaturePattern } from './glob.ts';

test('shell patterns do not cross slashes', () => {
  const cases: [string, string, boolean][] = [
    ['*.conf', 'a.conf', true],
    ['*.conf', 'd/a.conf', false],
    ['d/*', 'd/a', true],
    ['d/*', 'd/e/a', false],
    ['**', 'd/a', false],
    ['d/?', 'd/a', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[^a]x', 'bx', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a[', 'a[', true],
    ['a.b', 'axb', false],
  ];
  for (const [pattern, path, expected] of cases)
    assert.equal(globPattern(pattern)(path), expected, `${pattern} ${path}`);
});

test('patterns of signatures span directories with two stars', () => {
  const cases: [string, string, boolean][] = [
    ['**', 'a/b/c', true],
    ['app/**', 'app/x', true],
    ['app/**', 'app/x/y', true],
    ['app/**', 'app', true],
    ['app/**', 'app1/x', false],
    ['**/src.json', 'src.json', true],
    ['**/src.json', 'a/b/src.json', true],
    ['a/**/c', 'a/c', true],
    ['a/**/c', 'a/b/b/c', true],
    ['app/src.json', 'app/sub/src.json', false],
    ['{a,b}/x', 'b/x', true],
    ['{a,b}/x', 'c/x', false],
    ['#spec', '#spec', true],
    ['_config/**', '_config/.hidden', true],
  ];
  for (const [pattern, path, expected] of cases)
    assert.equal(signaturePattern(pattern)(path), expected, `${pattern} ${path}`);
});
