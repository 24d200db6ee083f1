/** A program on a terminal of its own (`script` of bsdutils makes the pty), as a person sees it. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { Emulator } from '../../apps/device-tools/src/pantabox/terminal/testing/emulator.ts';
import { atEnd } from './cleanup.ts';

export class TerminalSession {
  readonly emulator: Emulator;
  /** Everything that was written, escape sequences included. */
  written = '';
  readonly exited: Promise<number>;
  readonly #child: ChildProcess;
  readonly #looking = new Set<() => void>();
  #hasEnded = false;

  /** @param command for a shell */
  constructor(t: TestContext, command: string, environment: Record<string, string>, columns = 80, rows = 24) {
    this.emulator = new Emulator(columns, rows);
    const line = `stty columns ${columns} rows ${rows}; ${command}`;
    this.#child = spawn('script', ['-qfec', line, '/dev/null'], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.written += text;
      this.emulator.write(text);
      this.#look();
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.on('error', reject).on('close', (code) => {
        this.#hasEnded = true;
        this.#look();
        resolve(code ?? -1);
      });
    });
    atEnd(t, () => {
      if (!this.#hasEnded) this.#child.kill('SIGHUP');
      return this.exited.then(() => {});
    });
  }

  /** Waits until the screen shows something. @throws when the program ends before */
  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const { text } = this.emulator;
        if (!pattern.test(text) && !this.#hasEnded) return;
        this.#looking.delete(look);
        if (pattern.test(text)) resolve(text);
        else reject(new Error(`the program ended without ${pattern} on its screen:\n${text}`));
      };
      this.#looking.add(look);
      look();
    });
  }

  press(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  #look(): void {
    for (const look of [...this.#looking]) look();
  }
}
