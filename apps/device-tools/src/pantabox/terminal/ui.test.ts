import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventQueue } from '../../host/event-queue.ts';
import type { Terminal, TerminalEvent } from '../../host/terminal-ports.ts';
import { List } from './list.ts';
import { Emulator } from './testing/emulator.ts';
import { Interrupted, Ui } from './ui.ts';

/** A terminal that is told what happens, and a clock that only runs when nothing else does. */
function bench(columns = 40, rows = 15) {
  const emulator = new Emulator(columns, rows);
  let size = { columns, rows };
  let isRaw = false;
  const events = new EventQueue<TerminalEvent>();
  const terminal: Terminal = {
    size: () => size,
    begin: () => {
      isRaw = true;
    },
    end: () => {
      isRaw = false;
    },
    write: (text) => emulator.write(text),
    next: () => events.next(),
  };
  const happen = (event: TerminalEvent) => events.add(event);
  const ui = new Ui({
    terminal,
    environment: { TERM: 'xterm' },
    decode: (bytes) => new TextDecoder().decode(bytes),
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 20)),
  });
  return {
    ui,
    emulator,
    isRaw: () => isRaw,
    happen,
    type: (text: string) => happen(new TextEncoder().encode(text)),
    resize: (next: { columns: number; rows: number }) => {
      size = next;
      emulator.resize(next.columns, next.rows);
      happen('resized');
    },
  };
}

const turns = async () => {
  for (let count = 0; count < 5; count += 1) await new Promise(setImmediate);
};
const menu = () => new List({ title: 'Menu', items: ['one', 'two'].map((value) => ({ value, cells: [value] })) });

test('a view is shown with its title, the device and its keys, until a key ends it', async () => {
  const { ui, emulator, type, isRaw } = bench();
  ui.status = '7 DONE | local';
  const chosen = ui.show(menu());
  await turns();
  const { lines } = emulator;
  assert.deepEqual(
    [lines[0], lines[2], lines[14]],
    [' Menu                    7 DONE | local', ' > one', ' Enter choose   Esc back'],
  );
  assert.deepEqual([emulator.isCursorShown, emulator.modes.has('1049'), isRaw()], [false, true, true]);
  type('\u001b[B\r');
  assert.equal(await chosen, 'two');
  ui.close();
  assert.deepEqual(
    [emulator.isCursorShown, emulator.modes.has('1049'), emulator.modes.has('7'), isRaw()],
    [true, false, true, false],
  );
});

test('another size draws all of it again', async () => {
  const { ui, emulator, type, resize } = bench();
  const chosen = ui.show(menu());
  await turns();
  resize({ columns: 20, rows: 6 });
  await turns();
  assert.deepEqual(
    emulator.lines,
    [' Menu', ' > one', '   two', '', '', ' Enter choose   Esc~'].map((line) => line.trimEnd()),
  );
  type('\r');
  assert.equal(await chosen, 'one');
});

test('a terminal that does not tell its size is asked', async () => {
  const { ui, emulator, type } = bench(0, 0);
  emulator.resize(60, 10);
  const chosen = ui.show(menu());
  await turns();
  type('\u001b[10;60R');
  await turns();
  assert.match(emulator.lines[9]!, /Enter choose/);
  type('\r');
  await chosen;
});

test('a lone escape goes back, after a moment', async () => {
  const { ui, type } = bench();
  const chosen = ui.show(menu());
  type('\u001b');
  assert.equal(await chosen, undefined);
});

test('control-C and the end of the terminal interrupt, also during work', async () => {
  for (const event of [new Uint8Array([3]), undefined, 'ended'] as const) {
    const shown = bench();
    const view = shown.ui.show(menu());
    shown.happen(event);
    await assert.rejects(view, Interrupted);
    const working = bench();
    const work = working.ui.during('Work', () => new Promise<void>(() => {}));
    await turns();
    working.happen(event);
    await assert.rejects(work, Interrupted);
  }
});

test('work shows how far it is, and its result or its failure comes out', async () => {
  const { ui, emulator } = bench();
  let end = (_: string) => {};
  const work = ui.during('Trying locals/x', async (tell) => {
    tell({ lines: ['TESTING 75 %'], share: 0.75 });
    return new Promise<string>((resolve) => {
      end = resolve;
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.match(emulator.text, /Trying locals\/x[\s\S]*\[#+-+\] 75 %[\s\S]*TESTING 75 %/);
  end('done');
  assert.equal(await work, 'done');
  await assert.rejects(
    ui.during('Work', () => Promise.reject(new Error('no'))),
    /no/,
  );
});

test('another program has the terminal as it was, and keys typed afterwards are not lost', async () => {
  const { ui, emulator, isRaw, type } = bench();
  ui.open();
  await ui.hand(async () => {
    assert.deepEqual([isRaw(), emulator.modes.has('1049')], [false, false]);
  });
  assert.deepEqual([isRaw(), emulator.modes.has('1049')], [true, true]);
  const chosen = ui.show(menu());
  type('\r');
  assert.equal(await chosen, 'one');
});
