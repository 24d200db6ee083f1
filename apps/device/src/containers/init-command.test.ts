import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeWords, isPlain, splitCommand } from './init-command.ts';

/** What `container-init` does with a word, in short. */
const decode = (word: string) => (word === '%' ? '' : decodeURIComponent(word));

test('commands are split as the templates write them', () => {
  assert.deepEqual(splitCommand('/docker-entrypoint.sh "nginx" "-g" "daemon off;"'), [
    '/docker-entrypoint.sh',
    'nginx',
    '-g',
    'daemon off;',
  ]);
  assert.deepEqual(splitCommand('/sbin/init'), ['/sbin/init']);
  assert.deepEqual(splitCommand(`/bin/sh -c 'a "b"' ""`), ['/bin/sh', '-c', 'a "b"', '']);
  assert.deepEqual(splitCommand(' '), ['/sbin/init']);
  assert.deepEqual(splitCommand('a"b c"'), ['a"b', 'c"']);
});

test('encoded words have no blank or quote and decode to the same words', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (words) => {
      const encoded = encodeWords(words).split(' ');
      for (const word of encoded) assert.match(word, /^[A-Za-z0-9%_.,/:@=+-]+$/);
      assert.deepEqual(
        encoded.map(decode),
        words.map((word) => word.toWellFormed()),
      );
    }),
  );
});

test('only words that LXC reads back as they are count as plain', () => {
  assert.ok(isPlain(['/sbin/init', '-x=1']));
  for (const words of [['a b'], ['"a"'], [''], ['a\\b']]) assert.ok(!isPlain(words), words.join());
});
