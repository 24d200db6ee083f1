/** Requests to a control socket from inside the control groups of a container: what the device goes by when it asks who is calling. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Answer, Request } from './case.ts';

const program = fileURLToPath(new URL('container-caller-process.ts', import.meta.url));

/** A process in the control groups of another one, which sends requests on behalf of a test. */
export class ContainerCaller {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve(answer: Answer | undefined): void; reject(error: Error): void }[] = [];

  /** @param initPid process whose control groups the caller joins */
  constructor(socketPath: string, initPid: number) {
    this.#child = spawn(process.execPath, [program, socketPath, String(initPid)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#waiting.shift()?.resolve(JSON.parse(line) ?? undefined);
    });
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the caller in the container has ended'));
    });
  }

  /** Undefined: the connection was closed without an answer. */
  send(request: Request): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin!.end();
    await exited;
  }
}
