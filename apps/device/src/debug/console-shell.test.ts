import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveConfig } from '../config/live.ts';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost, type MemoryHost } from '../host/memory/host.ts';
import type { MemoryProgram } from '../host/memory/machine.ts';
import type { ByteSource, Take } from '../host/streams.ts';
import { noteProcess } from '../runtime/process-note.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { ConsoleShell } from './console-shell.ts';

/** A machine with a console, whose person types. */
async function machine(settings: Record<string, string> = {}, hasConsole = true, found?: MemoryHost) {
  const said: string[] = [];
  const shells: { end(): void; argv: string[] }[] = [];
  const shell: MemoryProgram = (argv) =>
    new Promise((resolve) => shells.push({ argv, end: () => resolve({ code: 0 }) }));
  const sh: MemoryProgram = async (argv, options) => {
    if (argv[2]?.startsWith('printf')) {
      said.push(argv[4] ?? '');
      return {};
    }
    return shell(argv, options);
  };
  const host = found ?? createMemoryHost({ programs: { '/bin/sh': sh, '/sbin/getty': shell } });
  for (const path of ['/dev', '/sbin']) await makeDirectories(host.files, path);
  if (hasConsole) await host.files.write('/dev/console', '');
  await host.files.write('/sbin/getty', '');
  const readers = new Set<Take>();
  const records = async (): Promise<ByteSource> => {
    let take: Take | undefined;
    return {
      start: (given) => {
        take = given;
        readers.add(given);
      },
      close: () => {
        if (take !== undefined) readers.delete(take);
      },
    };
  };
  const store = new ConfigStore(Object.entries(settings).map(([name, value]) => ({ name, value, source: 'test' })));
  const events: unknown[] = [];
  const lines: string[] = [];
  const console = new ConsoleShell({
    host: { ...host, streams: { ...host.streams, records } },
    config: liveConfig(store),
    log: (level, _, message) => void lines.push(`${level} ${message}`),
    changed: (isOpen) => void events.push(isOpen),
    postpone: (ms) => void events.push(ms),
  });
  const type = async (text: string) => {
    for (const take of [...readers]) await take(host.text.encode(text));
    await host.settle();
  };
  return { host, console, said, shells, events, lines, readers, type };
}

test('Enter opens a shell, which has the console to itself until it ends; then Enter opens the next', async () => {
  const { console, said, shells, events, readers, type } = await machine();
  await console.open();
  assert.match(said[0] ?? '', /^Press \[ENTER\] for debug ash shell/);
  await type('x');
  assert.equal(shells.length, 0);
  await type('\n');
  assert.deepEqual(shells[0]?.argv, ['/sbin/getty', '-n', '-l', '/bin/sh', '0', 'console']);
  assert.equal(readers.size, 0, 'what is typed is for the shell');
  assert.deepEqual(events, [true]);
  shells[0]?.end();
  await type('');
  assert.deepEqual(events, [true, false]);
  await type('\r');
  assert.equal(shells.length, 2);
});

test('autologin asks nobody; switched off, or without a console, there is no shell', async () => {
  const autologin = await machine({ PV_DEBUG_SHELL_AUTOLOGIN: '1' });
  await autologin.console.open();
  assert.equal(autologin.shells.length, 1);
  for (const { console, said, readers } of [await machine({ PV_DEBUG_SHELL: '0' }), await machine({}, false)]) {
    await console.open();
    assert.deepEqual([said.length, readers.size], [0, 0]);
  }
});

test('the shell of a runtime that died keeps the console, whoever would be asked', async () => {
  for (const settings of [{}, { PV_DEBUG_SHELL_AUTOLOGIN: '1' }]) {
    const before = await machine(settings);
    await before.console.open();
    await before.type('\n');
    const [pid = 0] = before.lines.flatMap((line) => /process (\d+)$/.exec(line)?.slice(1).map(Number) ?? []);
    before.host.machine.writeProcFile(pid, 'stat', `${pid} (sh) S${' 0'.repeat(18)} 77 0`);
    await noteProcess(before.host.files, '/run/pantavisor/debug-shell', pid);
    const host = before.host.restartRuntime();

    const { console, said, shells, events, readers, type } = await machine(settings, true, host);
    await console.open();
    assert.deepEqual([events, said, shells.length, readers.size], [[true], [], 0, 0]);
    console.held(undefined);
    assert.deepEqual(events.splice(0), [true, 60_000]);
    host.machine.removeProcFiles(pid);
    await host.advance(1_000);
    assert.deepEqual(events, [false]);
    await type('\n');
    assert.equal(before.shells.length, 2, 'Enter opens the next');
    await host.runFor(console.close());
  }
});

test('a reboot that waits is announced, again in its last ten seconds, and can be put off', async () => {
  const { host, console, said, events, type } = await machine();
  await console.open();
  await type('\n');
  said.length = 0;
  console.held(undefined);
  assert.deepEqual(events, [true, 60_000]);
  console.held(60_000);
  await host.advance(49_000);
  assert.deepEqual(said.length, 1);
  assert.match(said[0] ?? '', /reboot in 60 seconds.*\n.*pvcontrol cmd defer-reboot/);
  console.held(20_000);
  await host.advance(19_000);
  const seconds = said.map((text) => Number(/in (\d+) seconds/.exec(text)?.[1]));
  assert.deepEqual(seconds, [60, 20, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.ok(await host.runUntilIdle());
});

test('the end of the shell ends the warnings; the end of the device ends the shell', async () => {
  const { host, console, said, shells, events, type } = await machine();
  await console.open();
  await type('\n');
  console.held(5_000);
  shells[0]?.end();
  await host.settle();
  const before = said.length;
  await host.advance(10_000);
  assert.equal(said.length, before);
  await type('\n');
  await host.runFor(console.close());
  assert.deepEqual(events, [true, false, true, false]);
  await type('\n');
  assert.equal(shells.length, 2);
});

test('a shell that cannot be started is said, and can be asked for again', async () => {
  const { host, console, shells, lines, type } = await machine();
  host.machine.programs.delete('/sbin/getty');
  await console.open();
  await type('\n');
  assert.match(lines.join('\n'), /ERROR cannot open a debug shell/);
  host.machine.programs.set('/sbin/getty', () => new Promise(() => shells.push({ argv: [], end: () => {} })));
  await type('\n');
  assert.equal(shells.length, 1);
});
