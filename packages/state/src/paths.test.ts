import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8Length, whyNotName, whyNotPathBelow, whyNotRelativePath } from './paths.ts';

const good = [
  'a',
  'a/b',
  '.a',
  'a..b',
  '...',
  'app/root.squashfs',
  '_config/a/etc/x y',
  'é'.repeat(127),
  `${'x'.repeat(255)}/${'y'.repeat(255)}`,
];
const bad = [
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  './a',
  'a/.',
  'a/../b',
  'a/..',
  '../a',
  'a\0b',
  '\ud800',
  'é'.repeat(128),
  'x'.repeat(256),
  'a/'.repeat(2000).concat('b'),
];

test('relative paths stay inside and fit on a disk', () => {
  for (const path of good) assert.equal(whyNotRelativePath(path), undefined, path);
  for (const path of bad) assert.notEqual(whyNotRelativePath(path), undefined, path);
});

test('no accepted path leaves its directory', () => {
  const part = fc.constantFrom('.', '..', '', 'a', 'b.c', '\0', '\ud800', '...');
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const path = parts.join('/');
      const safe = parts.length > 0 && parts.every((one) => !['', '.', '..', '\0', '\ud800'].includes(one));
      assert.equal(whyNotRelativePath(path) === undefined, safe, JSON.stringify(path));
    }),
  );
});

test('paths below a root may have slashes around them', () => {
  for (const path of ['/var/log', 'etc/example/', '//a//b//']) assert.equal(whyNotPathBelow(path), undefined, path);
  for (const path of ['', '/', '/../x', 'a/../b', './a']) assert.notEqual(whyNotPathBelow(path), undefined, path);
});

test('names are single file names', () => {
  for (const name of ['a', '.a', 'a.b', 'my app', 'é'.repeat(127)]) assert.equal(whyNotName(name), undefined, name);
  for (const name of ['', '.', '..', 'a/b', 'a\nb', '\u0085', '\ud800', 'é'.repeat(128)])
    assert.notEqual(whyNotName(name), undefined, name);
});

test('lengths are those of UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => assert.equal(utf8Length(text), Buffer.byteLength(text))),
  );
});
