import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Line, lineText, looksOf, Screen, span } from './screen.ts';
import { Emulator } from './testing/emulator.ts';
import { cutTo } from './text.ts';

const plain = { colours: false, unicode: true };

test('colours are for terminals that have them, and for who wants them', () => {
  assert.deepEqual(looksOf({ TERM: 'xterm-256color', LANG: 'C.UTF-8' }), { colours: true, unicode: true });
  assert.deepEqual(looksOf({ TERM: 'xterm', NO_COLOR: '1' }), { colours: false, unicode: false });
  assert.equal(looksOf({ TERM: 'vt220' }).colours, false);
  assert.equal(looksOf({}).colours, false);
  assert.equal(lineText([span('bad', 'red', 'bold')], 3, plain), '\u001b[1mbad\u001b[0m');
});

test('what a device says cannot change the terminal', () => {
  assert.equal(lineText([span('a\u001b[2Jb\u0007\u009bc')], 9, plain), 'a [2Jb  c');
  assert.equal(lineText([span('é日')], 9, { colours: false, unicode: false }), '??\u001b[K');
});

const lines = fc.array(
  fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'x'), maxLength: 14 }), { maxLength: 2 }),
  { maxLength: 8 },
);

test('the terminal shows each picture in turn, whatever was there before', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(lines, fc.boolean()), { maxLength: 6 }), (pictures) => {
      const emulator = new Emulator(12, 5);
      emulator.write('something else\r\n'.repeat(9));
      const screen = new Screen(plain);
      for (const [picture, withCursor] of pictures) {
        const all: Line[] = picture.map((parts) =>
          parts.map((part, index) => (index ? span(part, 'reverse') : span(part))),
        );
        const cursor = { column: 3, row: 2 };
        emulator.write(screen.update({ lines: all, ...(withCursor ? { cursor } : {}) }, { columns: 12, rows: 5 }));
        const wanted = Array.from({ length: 5 }, (_, row) => {
          let text = '';
          for (const part of picture[row] ?? []) text += cutTo(part, 12 - text.length);
          return text.trimEnd();
        });
        assert.deepEqual(emulator.lines, wanted);
        assert.equal(emulator.isCursorShown, withCursor);
        if (withCursor) assert.deepEqual(emulator.cursor, { column: 3, row: 2 });
      }
    }),
  );
});

test('only lines that changed are sent', () => {
  const screen = new Screen(plain);
  const size = { columns: 10, rows: 3 };
  screen.update({ lines: [[span('one')], [span('two')]] }, size);
  assert.equal(screen.update({ lines: [[span('one')], [span('two')]] }, size), '');
  const sent = screen.update({ lines: [[span('one')], [span('2')]] }, size);
  assert.ok(sent.includes('\u001b[2;1H2') && !sent.includes('one') && !sent.includes('[2J'), JSON.stringify(sent));
});
