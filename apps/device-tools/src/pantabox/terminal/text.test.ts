import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutTo, widthOf, wrap } from './text.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', ' ', '日', 'é', 'e\u0301', '😀', '-') });

test('wide characters take two cells, combining ones none', () => {
  assert.equal(widthOf('日本'), 4);
  assert.equal(widthOf('e\u0301'), 1);
  assert.equal(widthOf('abc'), 3);
});

test('what is cut fits and ends with the mark', () => {
  assert.equal(cutTo('revision', 5), 'revi~');
  assert.equal(cutTo('revision', 8), 'revision');
  fc.assert(
    fc.property(text, fc.nat(30), (given, room) => {
      const shown = cutTo(given, room);
      assert.ok(widthOf(shown) <= room);
      if (widthOf(given) <= room) assert.equal(shown, given);
    }),
  );
});

test('wrapped lines fit, and no word is lost', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrap('a\n\nb', 10), ['a', '', 'b']);
  assert.deepEqual(wrap('abcdefgh', 3), ['abc', 'def', 'gh']);
  fc.assert(
    fc.property(text, fc.integer({ min: 2, max: 30 }), (given, room) => {
      const lines = wrap(given, room);
      for (const line of lines) assert.ok(widthOf(line) <= room, JSON.stringify(line));
      assert.equal(lines.join('').replaceAll(' ', ''), given.replaceAll(' ', ''));
    }),
  );
});
