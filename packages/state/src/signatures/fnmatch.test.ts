import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fnmatch } from './fnmatch.ts';

const cases: [pattern: string, path: string, plain: boolean, leading: boolean][] = [
  ['a', 'a', true, true],
  ['a', 'a/b', false, true],
  ['a', 'ab', false, false],
  ['a/b', 'a/b/c', false, true],
  ['*', 'a', true, true],
  ['*', 'a/b', false, true],
  ['*', '.a', true, true],
  ['*.json', '_sigs/a.json', false, false],
  ['_sigs/*.json', '_sigs/a.json', true, true],
  ['*/*', 'a/b', true, true],
  ['*/*', 'a/b/c', false, true],
  ['a*c', 'abbc', true, true],
  ['a*c', 'ab/c', false, false],
  ['**', 'a/b', false, true],
  ['a?c', 'abc', true, true],
  ['a?c', 'a/c', false, false],
  ['a?c', 'ac', false, false],
  ['[ab]x', 'bx', true, true],
  ['[!ab]x', 'bx', false, false],
  ['[^ab]x', 'cx', true, true],
  ['[!a]x', '/x', false, false],
  ['[a-c]', 'b', true, true],
  ['[c-a]', 'b', false, false],
  ['[]]', ']', true, true],
  ['[]-]', '-', true, true],
  ['[a\\]]', ']', true, true],
  ['[ab', '[ab', true, true],
  ['\\*', '*', true, true],
  ['\\*', 'a', false, false],
  ['a\\', 'a\\', false, false],
  ['', '', true, true],
  ['', 'a', false, false],
  ['é?', 'é😀', true, true],
];

for (const [pattern, path, plain, leading] of cases) {
  test(`${JSON.stringify(pattern)} against ${JSON.stringify(path)}`, () => {
    assert.equal(fnmatch(pattern)(path), plain, 'whole path');
    assert.equal(fnmatch(pattern, true)(path), leading, 'leading directory');
  });
}

test('agrees with the same pattern as a regular expression', () => {
  const parts = fc.constantFrom('a', 'b', '/', '*', '?', '[ab]', '[!a]', '\\*', '.');
  const translate: Record<string, string> = {
    '*': '[^/]*',
    '?': '[^/]',
    '[ab]': '[ab]',
    '[!a]': '[^a/]',
    '\\*': '\\*',
    '.': '\\.',
  };
  const path = fc.array(fc.constantFrom('a', 'b', '/', '*', '.'), { maxLength: 8 }).map((all) => all.join(''));
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 6 }), path, (pattern, text) => {
      const source = pattern.map((part) => translate[part] ?? part).join('');
      assert.equal(fnmatch(pattern.join(''))(text), new RegExp(`^(?:${source})$`, 's').test(text));
      assert.equal(fnmatch(pattern.join(''), true)(text), new RegExp(`^(?:${source})(?:/|$)`, 's').test(text));
    }),
    { numRuns: 3000 },
  );
});

test('no pattern takes long', { timeout: 5000 }, () => {
  const matches = fnmatch(`${'*a'.repeat(200)}b`);
  for (let round = 0; round < 20; round += 1) assert.equal(matches('a'.repeat(500)), false);
});
