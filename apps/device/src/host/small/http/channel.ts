/** One connected stream socket with promises: reads, writes and waits that end when the peer goes or time is up. */
import { bufferOffset, bufferSize, type Kernel, type Loop, ready } from '@pantavisor/small-host';
import { HostError } from '../../ports.ts';

const again = -11;
const interrupted = -4;
const edgeTriggered = 0x80000000;
const noSignal = 0x4000;
const shutdownWrite = 1;

/** Why a wait ended. */
type Wake = 'ready' | 'timeout' | 'closed';

export class Channel {
  readonly descriptor: number;
  readonly #kernel: Kernel;
  readonly #loop: Loop;
  #waiting: ((wake: Wake) => void) | undefined;
  #open = true;
  /** Bytes received so far. */
  received = 0;

  /** Takes over the descriptor, which is non-blocking. */
  constructor(kernel: Kernel, loop: Loop, descriptor: number) {
    this.#kernel = kernel;
    this.#loop = loop;
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
      else if (count === 0) throw new HostError('EIO', 'send', undefined, 'the file became shorter while it was sent');
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
    throw new HostError('ECONNRESET', 'send', undefined, 'the other side went away');
  }

  async #wait(timeout: number): Promise<void> {
    if (!this.#open) throw new HostError('ECONNRESET', 'use', undefined, 'the connection was closed');
    const wake = await new Promise<Wake>((resolve) => {
      const cancel = this.#loop.after(timeout, () => this.#wake('timeout'));
      this.#waiting = (reason) => {
        cancel();
        resolve(reason);
      };
    });
    if (wake === 'timeout') throw new HostError('ETIMEDOUT', 'wait for', undefined, 'nothing came in time');
    if (wake === 'closed') throw new HostError('ECONNRESET', 'use', undefined, 'the connection was closed');
  }

  #wake(reason: Wake): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(reason);
  }
}
