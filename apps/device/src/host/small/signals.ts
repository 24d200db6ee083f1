/** Signals to this process as events: they are blocked and read from a descriptor (signalfd(2)). */
import { bufferOffset, type Kernel, type Loop, ready } from '@pantavisor/small-host';
import type { ProcessSignal } from '../ports.ts';

/** Numbers of signal(7); the same on x86-64, arm64 and arm. */
export const signalNumbers: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGWINCH: 28,
  SIGPWR: 30,
  'SIGRTMIN+3': 37,
};

/** Number of a signal by its name: `SIGTERM`, `SIGRTMIN+3`, or a plain number. */
export function signalNumber(name: string): number | undefined {
  if (name in signalNumbers) return signalNumbers[name];
  const realTime = /^SIGRTMIN\+(\d+)$/.exec(name);
  if (realTime) return 34 + Number(realTime[1]);
  return /^\d+$/.test(name) ? Number(name) : undefined;
}

/** Name of a signal by its number. */
export function signalName(number: number): string {
  return Object.keys(signalNumbers).find((name) => signalNumbers[name] === number) ?? `SIG${number}`;
}

const block = 0;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
/** struct signalfd_siginfo. */
const recordSize = 128;

/** Delivers signals to callbacks; several callbacks of one signal are called in the order of their registration. */
export class Signals {
  readonly #kernel: Kernel;
  readonly #loop: Loop;
  readonly #callbacks = new Map<number, (() => void)[]>();
  #descriptor: number | undefined;

  constructor(kernel: Kernel, loop: Loop) {
    this.#kernel = kernel;
    this.#loop = loop;
  }

  on(signal: ProcessSignal | 'SIGCHLD', callback: () => void): void {
    const number = signalNumber(signal)!;
    const callbacks = this.#callbacks.get(number) ?? [];
    callbacks.push(callback);
    this.#callbacks.set(number, callbacks);
    this.#listen();
  }

  #listen(): void {
    let mask = 0n;
    for (const number of this.#callbacks.keys()) mask |= 1n << BigInt(number - 1);
    this.#kernel.view.setBigUint64(bufferOffset, mask, true);
    this.#kernel.call('rt_sigprocmask', 0b0010, [block, bufferOffset, 0, 8]);
    const known = this.#descriptor;
    const descriptor = this.#kernel.call('signalfd4', 0b0010, [
      known ?? -1,
      bufferOffset,
      8,
      closeOnExec | nonBlocking,
    ]);
    if (known !== undefined) return;
    this.#descriptor = descriptor;
    this.#loop.watch(descriptor, ready.read, () => this.#deliver(descriptor));
  }

  #deliver(descriptor: number): void {
    const numbers: number[] = [];
    const count = this.#kernel.raw('read', 0b10, descriptor, bufferOffset, 16 * recordSize);
    for (let offset = 0; offset < count; offset += recordSize)
      numbers.push(this.#kernel.view.getUint32(bufferOffset + offset, true));
    for (const number of numbers) for (const callback of this.#callbacks.get(number) ?? []) callback();
  }
}
