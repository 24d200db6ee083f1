/** The device as a child process: starts it, keeps its last lines, learns when it is ready, stops it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface DeviceExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Lines that are kept for whoever asks for the log later. */
const keptLines = 1000;

/** How long the device may take to stop its containers before it is killed, milliseconds. Its own timers end far sooner. */
const stopTimeout = 60_000;

export class DeviceProcess {
  /** Last lines of what the device printed, oldest first. */
  readonly lines: string[] = [];
  /** Path of the control socket, as soon as the device says that all status goals are met. Never settles if it does not. */
  readonly ready: Promise<string>;
  readonly exited: Promise<DeviceExit>;
  readonly #child: ChildProcess;
  readonly #onLine: (line: string) => void;
  #killer: NodeJS.Timeout | undefined;

  /**
   * @param argv the program and its arguments
   * @param environment added to that of this process
   */
  constructor(argv: [string, ...string[]], environment: Record<string, string>, onLine: (line: string) => void) {
    this.#onLine = onLine;
    // A session of its own: Ctrl-C in the terminal reaches only this process, which then stops the device once and in order. Should this
    // process be killed, the kernel asks the device to stop (PR_SET_PDEATHSIG, prctl(2)).
    this.#child = spawn('setpriv', ['--pdeathsig', 'INT', ...argv], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const ready = Promise.withResolvers<string>();
    this.ready = ready.promise;
    const readLines = (stream: NodeJS.ReadableStream | null, look: (line: string) => boolean) => {
      if (stream === null) return;
      createInterface({ input: stream }).on('line', (line) => {
        if (!look(line)) this.#keep(line);
      });
    };
    readLines(this.#child.stdout, (line) => {
      const socket = /^ready socket=(\S+)/.exec(line)?.[1];
      if (socket !== undefined) ready.resolve(socket);
      return socket !== undefined;
    });
    readLines(this.#child.stderr, () => false);
    const exited = Promise.withResolvers<DeviceExit>();
    this.exited = exited.promise;
    this.#child.on('error', exited.reject).on('close', (code, signal) => {
      clearTimeout(this.#killer);
      exited.resolve({ code, signal });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Asks the device to stop everything and end; asking again changes nothing. */
  stop(): void {
    if (this.#killer !== undefined) return;
    // SIGTERM would say that it is to be started again.
    this.#child.kill('SIGINT');
    this.#killer = setTimeout(() => {
      this.#keep(`start: the device did not end within ${stopTimeout / 1000} s and is killed`);
      this.#child.kill('SIGKILL');
    }, stopTimeout);
  }

  #keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > keptLines) this.lines.shift();
    this.#onLine(line);
  }
}
