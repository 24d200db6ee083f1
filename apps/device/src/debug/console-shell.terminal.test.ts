/** The debug shell on a real terminal: a pseudo-terminal of script(1), whose person types over a pipe. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { liveConfig } from '../config/live.ts';
import { ConfigStore } from '../config/store.ts';
import { createNodeHost } from '../host/node/index.ts';
import { ConsoleShell } from './console-shell.ts';

/** Resolves with the first group of the pattern, or all of it, when the terminal has shown so since the last time. */
async function shows(screen: { text: string }, terminal: ChildProcess, pattern: RegExp): Promise<string> {
  for (;;) {
    const match = pattern.exec(screen.text);
    if (match !== null) {
      screen.text = screen.text.slice(match.index + match[0].length);
      return match[1] ?? match[0];
    }
    await new Promise((resolve) => terminal.stdout?.once('data', resolve));
  }
}

test('a shell on a terminal: Enter, a command, the end, and Enter again', { timeout: 60_000 }, async (context) => {
  if (process.getuid?.() !== 0) return context.skip('taking a terminal over needs root');
  for (const program of ['/usr/bin/script', '/bin/busybox'])
    if (!existsSync(program)) return context.skip(`${program} is missing`);
  const terminal = spawn('script', ['-qfc', "trap '' HUP; stty -echo; tty; exec sleep 60", '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const folder = mkdtempSync(`${tmpdir()}/console-shell-`);
  const screen = { text: '' };
  terminal.stdout.on('data', (data) => {
    screen.text += data;
  });
  const ended = new Promise((resolve) => terminal.once('exit', resolve));
  const store = new ConfigStore();
  const changes: boolean[] = [];
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let shell: ConsoleShell | undefined;
  context.after(async () => {
    await shell?.close();
    terminal.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });
  const path = await shows(screen, terminal, /(\/dev\/pts\/\d+)/);
  const shellOf = (changed: (isOpen: boolean) => void) =>
    new ConsoleShell({
      host: createNodeHost(),
      config: liveConfig(store),
      log: () => {},
      console: path,
      note: `${folder}/note`,
      changed,
      postpone: () => {},
    });
  shell = shellOf((isOpen) => {
    changes.push(isOpen);
    (isOpen ? opened : closed).resolve();
  });
  await shell.open();
  await shows(screen, terminal, /Press \[ENTER\]/);
  terminal.stdin.write('\n');
  // What is typed before the prompt is thrown away.
  await shows(screen, terminal, /# $/);
  terminal.stdin.write('echo $((6 * 7)) in $(tty)\n');
  assert.equal(await shows(screen, terminal, /42 in (\/dev\/pts\/\d+)/), path);
  await shows(screen, terminal, /# $/);
  await opened.promise;
  // Another runtime, as after the death of this one, finds the shell and sees it end.
  const found: boolean[] = [];
  const gone = Promise.withResolvers<void>();
  const next: ConsoleShell = shellOf((isOpen) => {
    found.push(isOpen);
    // Before it listens to the terminal beside the first.
    if (!isOpen) gone.resolve(next.close());
  });
  await next.open();
  assert.deepEqual(found, [true]);
  terminal.stdin.write('exit\n');
  await closed.promise;
  await gone.promise;
  terminal.stdin.write('\n');
  await shows(screen, terminal, /# $/);
  await shell.close();
  assert.deepEqual(changes, [true, false, true, false]);
});
