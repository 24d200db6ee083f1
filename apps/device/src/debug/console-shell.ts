/**
 * The debug shell on the console of the machine (tools.md §4). Enter opens it at any time; while it is open, a reboot waits, so that whoever
 * looks for a fault is not thrown out by its consequences. It outlives the runtime: the next one finds it, and leaves the console to it.
 */
import type { DeviceConfig } from '../config/table.ts';
import type { Host, SpawnedProcess } from '../host/ports.ts';
import type { ByteSource } from '../host/streams.ts';
import type { Log } from '../runtime/log.ts';
import { findNoted, noteProcess } from '../runtime/process-note.ts';

const defaultConsole = '/dev/console';
const defaultNote = '/run/pantavisor/debug-shell';
/** How often is looked whether a shell has ended that an earlier runtime opened, in milliseconds: nobody tells. */
const foundInterval = 1_000;
/** Programs that make a terminal that of a shell; the first that is there is taken. Busybox takes the speed 0, which means as it is. */
const gettys: readonly [string, ...string[]][] = [['/bin/busybox', 'getty'], ['/sbin/getty']];
/** Seconds before a reboot in which it is announced again and again. */
const lastWarnings = 10;
/** Milliseconds for a sentence on the console. */
const patience = 2_000;
const newLines: readonly number[] = [10, 13];

export interface ConsoleShellParts {
  host: Pick<Host, 'files' | 'streams' | 'processes' | 'clock'>;
  config: Pick<DeviceConfig, 'PV_DEBUG_SHELL' | 'PV_DEBUG_SHELL_AUTOLOGIN' | 'PV_DEBUG_SHELL_TIMEOUT'>;
  log: Log;
  /** The terminal; default `/dev/console`. */
  console?: string;
  /** File with a note about the open shell, for the next runtime; default `/run/pantavisor/debug-shell`. */
  note?: string;
  /** The shell was opened, or has ended. */
  changed(isOpen: boolean): void;
  /** A reboot that waits for the shell may wait so many milliseconds from now on. */
  postpone(ms: number): void;
}

/** `signal` is absent for a shell of an earlier runtime. */
type OpenShell = Pick<SpawnedProcess, 'pid'> & { exited: Promise<unknown>; signal?: SpawnedProcess['signal'] };

export class ConsoleShell {
  readonly #parts: ConsoleShellParts;
  readonly #console: string;
  readonly #note: string;
  #input: ByteSource | undefined;
  #shell: OpenShell | undefined;
  /** When a reboot that waits will no longer do so, monotonic milliseconds. */
  #deadline: number | undefined;
  #cancelWarning: (() => void) | undefined;
  /** A shell that is being opened. */
  #opening: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: ConsoleShellParts) {
    this.#parts = parts;
    this.#console = parts.console ?? defaultConsole;
    this.#note = parts.note ?? defaultNote;
  }

  /**
   * Offers the shell on the console, or opens it at once when nobody has to ask. A machine without a console has no shell, and one whose shell
   * an earlier runtime has opened keeps that.
   */
  async open(): Promise<void> {
    const { host, config } = this.#parts;
    if (!config.PV_DEBUG_SHELL || (await host.files.status(this.#console, { follow: true })) === undefined) return;
    const found = await findNoted(host.files, this.#note);
    if (found !== undefined) return this.#take({ pid: found, exited: this.#endOf(found) });
    if (config.PV_DEBUG_SHELL_AUTOLOGIN) {
      this.#opening = this.#start();
      return this.#opening;
    }
    await this.#say('Press [ENTER] for debug ash shell... ');
    await this.#listen();
  }

  /**
   * A reboot waits for the shell.
   * @param ms how long it may; undefined: nobody has said yet, and it becomes PV_DEBUG_SHELL_TIMEOUT
   */
  held(ms: number | undefined): void {
    const { host, config, postpone } = this.#parts;
    if (this.#shell === undefined) return;
    if (ms === undefined) {
      if (this.#deadline === undefined) postpone(Math.max(0, config.PV_DEBUG_SHELL_TIMEOUT) * 1000);
      return;
    }
    this.#deadline = host.clock.monotonic() + ms;
    this.#warn();
  }

  /** Ends the shell, whoever uses it. Resolves when it has ended. One that an earlier runtime has opened is left to whoever ends the machine. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelWarning?.();
    this.#input?.close();
    await this.#opening;
    if (this.#shell?.signal === undefined) return;
    this.#shell.signal('SIGKILL');
    await this.#shell.exited;
  }

  async #listen(): Promise<void> {
    const { host, log } = this.#parts;
    try {
      const input = await host.streams.records(this.#console);
      this.#input = input;
      input.start(
        (bytes) => {
          if (!bytes.some((byte) => newLines.includes(byte))) return;
          // From here on what is typed is for the shell.
          input.close();
          this.#input = undefined;
          this.#opening = this.#start();
        },
        () => {
          this.#input = undefined;
        },
      );
    } catch (error) {
      log('WARN', 'debug', `cannot offer a debug shell: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #start(): Promise<void> {
    const { host, log } = this.#parts;
    if (this.#closed || this.#shell !== undefined) return;
    let shell: SpawnedProcess;
    try {
      await this.#say('\nDebug shell of the device; while it is open, reboots wait. It ends with "exit".\n');
      shell = await host.processes.spawn(await this.#command());
    } catch (error) {
      log('ERROR', 'debug', `cannot open a debug shell: ${error instanceof Error ? error.message : error}`);
      await this.#listen();
      return;
    }
    // Without the note the next runtime offers another shell.
    await noteProcess(host.files, this.#note, shell.pid).catch(() => {});
    this.#take(shell);
  }

  #take(shell: OpenShell): void {
    const { log, changed } = this.#parts;
    this.#shell = shell;
    log('INFO', 'debug', `a debug shell is open on ${this.#console}, process ${shell.pid}`);
    changed(true);
    void shell.exited.then(() => this.#ended());
  }

  /** Resolves when the shell of an earlier runtime has ended, or nobody waits for it any more. */
  async #endOf(pid: number): Promise<void> {
    const { host } = this.#parts;
    while (!this.#closed && (await findNoted(host.files, this.#note)) === pid)
      await new Promise<void>((resolve) => host.clock.after(foundInterval, resolve));
  }

  async #ended(): Promise<void> {
    const { log, changed } = this.#parts;
    this.#shell = undefined;
    this.#deadline = undefined;
    this.#cancelWarning?.();
    log('INFO', 'debug', 'the debug shell has ended');
    changed(false);
    if (!this.#closed) await this.#listen();
  }

  async #command(): Promise<string[]> {
    const terminal = this.#console.slice('/dev/'.length);
    for (const [program, ...words] of gettys)
      if ((await this.#parts.host.files.status(program, { follow: true })) !== undefined)
        return [program, ...words, '-n', '-l', '/bin/sh', '0', terminal];
    throw new Error(`the machine has none of ${gettys.map(([program]) => program).join(', ')}`);
  }

  /** Says when the machine will reboot: now, and in the last seconds again. */
  #warn(): void {
    const { clock } = this.#parts.host;
    this.#cancelWarning?.();
    const left = (this.#deadline ?? 0) - clock.monotonic();
    if (this.#deadline === undefined || left <= 0) return;
    const seconds = Math.ceil(left / 1000);
    void this.#say(
      `\nSystem will reboot in ${seconds} seconds, to defer reboot:\nrun 'pvcontrol cmd defer-reboot [new timeout]'\n`,
    );
    const next = seconds > lastWarnings ? left - lastWarnings * 1000 : Math.min(left, 1000);
    this.#cancelWarning = clock.after(next, () => this.#warn());
  }

  async #say(text: string): Promise<void> {
    // A terminal that takes nothing, for instance after Ctrl-S, must keep nobody waiting but this one process.
    const argv = ['/bin/sh', '-c', 'printf %s "$1" >"$0"', this.#console, text];
    await this.#parts.host.processes.run(argv, { timeout: patience }).catch(() => {});
  }
}
