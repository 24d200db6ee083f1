import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldOf, shownField, typed } from './field.ts';
import { Form, Question } from './form.ts';
import type { Key, KeyName } from './keys.ts';
import { List } from './list.ts';
import { Pager } from './pager.ts';
import { widthOf } from './text.ts';
import type { Drawing, View } from './view.ts';

const key = (name: KeyName, text = ''): Key => ({ name, text });
const letter = (text: string) => key('character', text);
const small = { columns: 20, rows: 6 };
const textOf = ({ lines }: Drawing) =>
  lines.map((line) =>
    line
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );
const list = (count: number) =>
  new List({
    title: 'List',
    items: Array.from({ length: count }, (_, index) => ({ value: index, cells: [`item ${index}`] })),
  });

/** Keys that people press, in any order. */
const anyKey = fc.oneof(
  fc
    .constantFrom<KeyName>('up', 'down', 'left', 'right', 'home', 'end', 'page-up', 'page-down', 'tab', 'back-tab')
    .map((name) => key(name)),
  fc.constantFrom<KeyName>('backspace', 'delete', 'insert').map((name) => key(name)),
  fc.constantFrom('i', 'x', '7', '日', ' ').map(letter),
  fc.constantFrom('a', 'e', 'u', 'k', 'w').map((text) => key('control', text)),
  fc.constantFrom('one\ntwo', 'x').map((text) => key('paste', text)),
);
const anySize = fc.record({ columns: fc.integer({ min: 1, max: 90 }), rows: fc.integer({ min: 1, max: 30 }) });

test('a list goes round, jumps to letters, and gives what was chosen', () => {
  const view = list(3);
  view.press(key('up'), small);
  assert.deepEqual(view.press(key('enter'), small), { done: 2 });
  view.press(key('down'), small);
  assert.deepEqual(view.press(key('enter'), small), { done: 0 });
  const names = new List({
    title: '',
    items: ['view', 'edit', 'edit-config'].map((value) => ({ value, cells: [value] })),
  });
  for (const each of 'edit-') names.press(letter(each), small);
  assert.deepEqual(names.press(key('enter'), small), { done: 'edit-config' });
  assert.deepEqual(names.press(key('escape'), small), { done: undefined });
});

test('a list that is longer than the screen scrolls, and says that there is more', () => {
  const view = list(20);
  assert.deepEqual(textOf(view.draw(small)).at(-1), 'v item 5');
  view.press(key('end'), small);
  const lines = textOf(view.draw(small));
  assert.deepEqual([lines[0], lines.at(-1)], ['^ item 14', '> item 19']);
  assert.deepEqual(textOf(list(0).draw(small)), ['nothing here']);
  assert.equal(list(0).press(key('enter'), small), undefined);
});

test('letters of a list mean what its last line says', () => {
  const view = new List<string>({
    title: '',
    items: [{ value: 'one', cells: ['one'] }],
    letters: { d: { hint: 'delete', choose: (value) => value && `delete ${value}` } },
  });
  assert.deepEqual(view.hints, ['Enter choose', 'd delete', 'Esc back']);
  assert.deepEqual(view.press(letter('d'), small), { done: 'delete one' });
});

test('on a narrow screen the first column is seen', () => {
  const view = new List({ title: '', items: [{ value: 1, cells: ['locals/pbox-1', 'DONE', '2026'] }] });
  assert.equal(textOf(view.draw({ columns: 24, rows: 4 }))[0], '> locals/pbox~  DONE  2~');
});

test('a form goes from field to field, and says what is wrong', () => {
  const form = new Form({
    title: 'Password',
    fields: [
      { label: 'New', isHidden: true },
      { label: 'Again', isHidden: true },
    ],
    check: ([one, two]) => (one === two ? undefined : 'not the same'),
  });
  for (const each of [letter('a'), letter('b'), key('enter'), letter('a')]) assert.equal(form.press(each), undefined);
  assert.deepEqual(textOf(form.draw(small)), ['New', '>', 'Again', '>']);
  assert.equal(form.press(key('enter')), undefined);
  assert.ok(textOf(form.draw({ columns: 20, rows: 12 })).includes('not the same'));
  form.press(letter('b'));
  assert.deepEqual(form.press(key('enter')), { done: ['ab', 'ab'] });
});

test('a question answers with what Enter stands on, or with a letter', () => {
  const question = () => new Question('Sure?', 'Really.', ['Delete', 'No'], 1);
  assert.deepEqual(question().press(key('enter')), { done: 'No' });
  assert.deepEqual(question().press(letter('d')), { done: 'Delete' });
  assert.deepEqual(question().press(key('escape')), { done: undefined });
});

test('a text scrolls to its end and no further', () => {
  const pager = new Pager(
    'Text',
    Array.from({ length: 10 }, (_, index) => ({ text: `line ${index}` })),
  );
  const first = textOf(pager.draw(small));
  assert.deepEqual([first[0], first.at(-1)], ['line 0', 'v 5 more']);
  for (let count = 0; count < 20; count += 1) pager.press(key('down'), small);
  assert.equal(textOf(pager.draw(small)).at(-1), 'line 9');
});

test('a field is edited as in a shell, and long ones show their end', () => {
  const keys = [...'hello wörld'].map(letter);
  const field = [...keys, key('control', 'w'), key('home'), key('delete')].reduce(typed, fieldOf(''));
  assert.equal(field.text, 'ello ');
  assert.deepEqual(shownField(fieldOf('0123456789'), 5), { text: '6789', cursor: 4 });
  fc.assert(
    fc.property(fc.array(anyKey), fc.integer({ min: 2, max: 12 }), (pressed, room) => {
      const after = pressed.reduce(typed, fieldOf('start'));
      assert.ok(after.at >= 0 && after.at <= after.text.length && after.text.isWellFormed());
      const { text, cursor } = shownField(after, room);
      assert.ok(widthOf(text) <= room && cursor < room);
    }),
  );
});

test('no keys and no size make a view draw more than there is room for, or the cursor outside of it', () => {
  const views: (() => View<unknown>)[] = [
    () => list(30),
    () =>
      new List({
        title: '',
        about: 'some words '.repeat(9),
        headings: ['A', 'B'],
        items: [{ value: 1, cells: ['a', 'b'] }],
      }),
    () =>
      new Form({
        title: '',
        about: 'words '.repeat(30),
        fields: [{ label: 'one' }, { label: 'two', value: 'x'.repeat(99) }],
      }),
    () => new Question('', 'words '.repeat(30), ['Throw away', 'No']),
    () => new Pager('', [{ text: 'words '.repeat(99), indent: 2 }]),
  ];
  fc.assert(
    fc.property(fc.constantFrom(...views), fc.array(fc.tuple(anyKey, anySize), { maxLength: 12 }), (make, steps) => {
      const view = make();
      for (const [pressed, size] of steps) {
        view.press(pressed, size);
        const { lines, cursor } = view.draw(size);
        if (size.rows >= 4) assert.ok(lines.length <= size.rows, `${lines.length} lines for ${size.rows}`);
        if (cursor && size.columns > 6 && size.rows >= 4)
          assert.ok(cursor.column < size.columns && cursor.row < size.rows, JSON.stringify({ cursor, size }));
      }
    }),
  );
});
