import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogEntry } from '@pantavisor/hub-api';
import fc from 'fast-check';
import { createElement } from 'react';
import { show } from '../testing/dom.ts';
import { readAnsi } from './ansi.ts';
import { LogBuffer, matches, mostKept } from './buffer.ts';

const { LogLine } = await import('./line.tsx');
const { LogList } = await import('./list.tsx');

const entry = (number: number, msg = `line ${number}`, more: Partial<LogEntry> = {}): LogEntry => ({
  id: number.toString(16).padStart(24, '0'),
  dev: 'd',
  own: 'o',
  'time-created': '2026-01-01T00:00:00Z',
  lvl: 'INFO',
  plat: 'web',
  msg,
  ...more,
});
const entries = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => entry(from + index));

test('terminal colours become names, every other control sequence goes', () => {
  assert.deepEqual(
    readAnsi('\u001b[1;31mred\u001b[0m plain \u001b[38;5;46mgreen\u001b[39m\u001b[2K\u001b]0;title\u0007 end'),
    [{ text: 'red', bold: true, colour: 1 }, { text: ' plain ' }, { text: 'green', colour: 10 }, { text: ' end' }],
  );
  assert.deepEqual(readAnsi('\u001b]8;;javascript:alert(1)\u001b\\click\u001b]8;;\u001b\\'), [{ text: 'click' }]);
});

test('no line makes the reader fail, and nothing of it can control a terminal or a page', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (a, b) => {
      const text = readAnsi(`${a}\u001b[${b}`)
        .map((piece) => piece.text)
        .join('');
      for (const letter of text)
        assert.ok((letter >= ' ' && letter !== '\u007f') || letter === '\t' || letter === '\n', JSON.stringify(letter));
    }),
  );
});

test('markup in a line stays text', async () => {
  const shown = await show(
    createElement(LogLine, {
      entry: entry(1, '<img src=x onerror=alert(1)>\u001b[31m</span>'),
      marked: false,
      onSelect: () => undefined,
    }),
  );
  assert.equal(shown.root.querySelector('img'), null);
  assert.match(shown.text(), /<img src=x onerror=alert\(1\)>/);
  await shown.end();
});

test('the buffer keeps order, takes each line once, and lets go of the oldest', () => {
  const buffer = new LogBuffer();
  assert.equal(buffer.append(entries(100, 110)), 10);
  assert.equal(buffer.append(entries(105, 112)), 2);
  assert.equal(buffer.prepend(entries(95, 102)), 5);
  const ids = Array.from({ length: buffer.length }, (_, index) => buffer.at(index)?.id);
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, 17);
  buffer.append(entries(200, 200 + mostKept * 1.2));
  assert.equal(buffer.length, mostKept);
  assert.ok(buffer.dropped);
});

test('filters decide as the hub does', () => {
  const line = entry(1, 'Cannot open /etc/App', { lvl: 'ERROR', rev: '3' });
  assert.ok(matches({ text: 'app', lvl: 'WARN,ERROR', rev: '3', plat: 'web' }, line));
  assert.ok(!matches({ lvl: 'INFO' }, line));
  assert.ok(!matches({ text: 'absent' }, line));
});

test('every line keeps its place while older ones come and the oldest go', () => {
  const buffer = new LogBuffer();
  buffer.append(entries(1000, 1010));
  const place = () => buffer.origin + buffer.indexOf(entry(1005).id);
  const before = place();
  buffer.prepend(entries(900, 1000));
  assert.equal(place(), before);
  const gone = new LogBuffer();
  gone.append(entries(0, mostKept));
  const kept = gone.origin + gone.indexOf(entry(mostKept - 1).id);
  gone.append(entries(mostKept, mostKept * 1.2));
  assert.equal(gone.origin + gone.indexOf(entry(mostKept - 1).id), kept);
});

test('of ten thousand lines only those on the screen exist', async () => {
  const buffer = new LogBuffer();
  buffer.append(entries(0, 10_000));
  const props = {
    buffer,
    following: true,
    onFollow: () => undefined,
    onOlder: () => undefined,
    marked: undefined,
    onSelect: () => undefined,
  };
  const shown = await show(createElement(LogList, props));
  const list = shown.root.querySelector('[role="log"]');
  assert.ok(list);
  assert.ok(list.querySelectorAll('[id^="line-"]').length < 200);
  assert.equal((list.firstElementChild as HTMLElement).style.height, '200000px');
  const lastId = () => list.querySelector('[id^="line-"]:last-child')?.id;
  assert.equal(lastId(), `line-${entry(9999).id}`);
  await shown.act(() => {
    buffer.append(entries(10_000, 10_010));
    buffer.announce();
  });
  assert.equal(lastId(), `line-${entry(10_009).id}`);
  await shown.end();
});
