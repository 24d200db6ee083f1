/** One connected stream socket with promises: reads, writes and waits that end when the peer goes or time is up. */
import { bufferOffset, bufferSize, type Kernel, SystemCallError } from './kernel.ts';
import { type Loop, ready } from './loop.ts';

const again = -11;
const interrupted = -4;
const edgeTriggered = 0x80000000;
const noSignal = 0x4000;
const shutdownWrite = 1;

/** Makes the error of a failure: the name of its reason, what could not be done, and more words. */
export type ChannelFailure = (code: string, operation: string, detail: string) => Error;

/** Why a wait ended. */
type Wake = 'ready' | 'timeout' | 'closed';

export class Channel {
  readonly descriptor: number;
  readonly #kernel: Kernel;
  readonly #loop: Loop;
  readonly #fail: ChannelFailure;
  /** Who waits for the socket: at most one that reads and one that writes. */
  #waiting: ((wake: Wake) => void)[] = [];
  #open = true;
  /** Bytes received so far. */
  received = 0;

  /** Takes over the descriptor, which is non-blocking. */
  constructor(kernel: Kernel, loop: Loop, descriptor: number, fail?: ChannelFailure) {
    this.#kernel = kernel;
    this.#loop = loop;
    this.#fail = fail ?? ((code, operation) => new SystemCallError(code, operation));
    this.descriptor = descriptor;
    loop.watch(descriptor, ready.read | ready.write | ready.peerClosed | edgeTriggered, () => this.#wake('ready'));
  }

  get isOpen(): boolean {
    return this.#open;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#loop.unwatch(this.descriptor);
    this.#kernel.close(this.descriptor);
    this.#wake('closed');
  }

  /** Tells the peer that nothing more comes. */
  finish(): void {
    if (this.#open) this.#kernel.raw('shutdown', 0, this.descriptor, shutdownWrite);
  }

  /** The next bytes; undefined at the end of the stream or when the connection broke. Rejects with ETIMEDOUT when nothing came in time. */
  async read(timeout: number): Promise<Uint8Array | undefined> {
    for (;;) {
      if (!this.#open) return undefined;
      const count = this.#kernel.raw('read', 0b10, this.descriptor, bufferOffset, bufferSize);
      if (count > 0) {
        this.received += count;
        return this.#kernel.bytes.slice(bufferOffset, bufferOffset + count);
      }
      if (count === interrupted) continue;
      if (count !== again) return undefined;
      await this.#wait(timeout);
    }
  }

  /** Sends everything. Rejects with ECONNRESET when the peer has gone, ETIMEDOUT when it takes nothing for so long. */
  async write(data: Uint8Array, timeout: number): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const piece = data.subarray(done, done + bufferSize);
      this.#kernel.bytes.set(piece, bufferOffset);
      const count = this.#sent(
        this.#kernel.raw('sendto', 0b10, this.descriptor, bufferOffset, piece.length, noSignal, 0, 0),
      );
      if (count > 0) done += count;
      else await this.#wait(timeout);
    }
  }

  /** Sends `length` bytes of an open file from its position without copying them through the program. */
  async sendFile(file: number, length: number, timeout: number): Promise<void> {
    for (let left = length; left > 0; ) {
      const count = this.#sent(this.#kernel.raw('sendfile', 0, this.descriptor, file, 0, Math.min(left, 1 << 20)));
      if (count > 0) left -= count;
      else if (count === 0) throw this.#fail('EIO', 'send', 'the file became shorter while it was sent');
      else await this.#wait(timeout);
    }
  }

  /** Moves up to `limit` bytes of the stream into an open file while hashing them; 0 at the end of the stream. */
  async moveTo(file: number, hash: number, limit: number, timeout: number): Promise<number> {
    for (;;) {
      if (!this.#open) return 0;
      const count = this.#kernel.machine.move(hash, this.descriptor, file, limit);
      if (count >= 0) {
        this.received += count;
        return count;
      }
      if (count === interrupted) continue;
      if (count !== again) this.#kernel.door(count, 'write');
      await this.#wait(timeout);
    }
  }

  /** Repeats a step as long as it says that the socket is not ready (EAGAIN); its result, which may be another negative errno. */
  async repeat(step: () => number, timeout: number): Promise<number> {
    for (;;) {
      const result = step();
      if (result !== again && result !== interrupted) return result;
      await this.#wait(timeout);
    }
  }

  /** A count of sent bytes, or -1 when the socket takes nothing now. */
  #sent(count: number): number {
    if (count >= 0) return count;
    if (count === again || count === interrupted) return -1;
    throw this.#fail('ECONNRESET', 'send', 'the other side went away');
  }

  async #wait(timeout: number): Promise<void> {
    if (!this.#open) throw this.#fail('ECONNRESET', 'use', 'the connection was closed');
    const wake = await new Promise<Wake>((resolve) => {
      const done = (reason: Wake) => {
        cancel();
        resolve(reason);
      };
      const cancel = this.#loop.after(timeout, () => {
        this.#waiting = this.#waiting.filter((each) => each !== done);
        done('timeout');
      });
      this.#waiting.push(done);
    });
    if (wake === 'timeout') throw this.#fail('ETIMEDOUT', 'wait for', 'nothing came in time');
    if (wake === 'closed') throw this.#fail('ECONNRESET', 'use', 'the connection was closed');
  }

  #wake(reason: 'ready' | 'closed'): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done(reason);
  }
}
