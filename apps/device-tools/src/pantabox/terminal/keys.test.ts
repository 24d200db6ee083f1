import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Key, KeyDecoder } from './keys.ts';

const decoder = () => new KeyDecoder((bytes) => new TextDecoder().decode(bytes));
const bytesOf = (text: string) => new TextEncoder().encode(text);
const keysOf = (text: string): Key[] => {
  const keys = decoder();
  return [...keys.feed(bytesOf(text)), ...keys.flush()];
};
const named = (text: string) => keysOf(text).map(({ name, text: typed }) => (typed === '' ? name : `${name} ${typed}`));

test('keys of xterm, of the console, and what is typed', () => {
  assert.deepEqual(named('\u001b[A\u001bOB\u001b[1;5C\u001b[H\u001b[4~\u001b[3~\u001b[Z'), [
    'up',
    'down',
    'right',
    'home',
    'end',
    'delete',
    'back-tab',
  ]);
  assert.deepEqual(named('aé日\r\n\t\u007f\u0003'), [
    'character a',
    'character é',
    'character 日',
    'enter',
    'enter',
    'tab',
    'backspace',
    'control c',
  ]);
  assert.deepEqual(named('\u001b'), ['escape']);
  assert.deepEqual(named('\u001bx\u001b\u001b[A'), ['escape', 'character x', 'escape', 'up']);
});

test('a paste is one key, also with line ends in it', () => {
  assert.deepEqual(keysOf('\u001b[200~one\r\ntwo\u001b[Z\u001b[201~x'), [
    { name: 'paste', text: 'one\ntwo\u001b[Z' },
    { name: 'character', text: 'x' },
  ]);
});

test('the answer of a terminal that was asked for its size', () => {
  assert.deepEqual(keysOf('\u001b[24;132R'), [{ name: 'size', text: '', size: { rows: 24, columns: 132 } }]);
});

test('what is cut in the middle waits, and says so', () => {
  const keys = decoder();
  assert.deepEqual(keys.feed(bytesOf('\u001b')), []);
  assert.equal(keys.isWaiting, true);
  assert.deepEqual(
    keys.feed(bytesOf('[B')).map(({ name }) => name),
    ['down'],
  );
  assert.equal(keys.isWaiting, false);
});

const someBytes = fc.array(
  fc.oneof(
    fc.constantFrom(...['\u001b', '[', 'O', 'A', '~', '2', '0', ';', 'é', '日', '\u001b[200~', '\u001b[201~']),
    fc.string({ maxLength: 3 }),
  ),
);

test('keys do not depend on how the bytes come', () => {
  fc.assert(
    fc.property(someBytes, fc.array(fc.nat(5), { maxLength: 40 }), (parts, cuts) => {
      const bytes = bytesOf(parts.join(''));
      const whole = keysOf(parts.join(''));
      const keys = decoder();
      const found: Key[] = [];
      let at = 0;
      for (const cut of cuts) {
        found.push(...keys.feed(bytes.subarray(at, at + cut)));
        at += cut;
      }
      found.push(...keys.feed(bytes.subarray(at)), ...keys.flush());
      assert.deepEqual(found, whole);
    }),
  );
});

test('any bytes are keys or nothing, and none is waited for after the end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const keys = decoder();
      const found = [...keys.feed(bytes), ...keys.flush()];
      assert.equal(keys.isWaiting, false);
      for (const { name, text } of found)
        if (name === 'character') assert.ok(text.length > 0 && text >= ' ' && !text.includes('\ufffd'));
    }),
  );
});
