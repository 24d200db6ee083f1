/** Reading a descriptor piece by piece as it becomes ready, no faster than the pieces are taken. */
import { bufferOffset, bufferSize, type Kernel, type Loop, ready } from '@pantavisor/small-host';
import type { ByteSource, Take } from '../../streams.ts';

const again = -11;
const interrupted = -4;
const brokenPipe = -32;

/** What one look at a descriptor gave. */
export type Piece<T> = { kind: 'bytes'; value: T } | { kind: 'nothing' } | { kind: 'end' };

/** Calls `step` with each piece of a non-blocking descriptor; while its promise is open nothing is read. */
export class Reader<T> {
  readonly #loop: Loop;
  readonly #descriptor: number;
  readonly #read: () => Piece<T>;
  readonly #step: (value: T) => void | Promise<void>;
  readonly #end: () => void;
  #open = true;

  constructor(
    loop: Loop,
    descriptor: number,
    read: () => Piece<T>,
    step: (value: T) => void | Promise<void>,
    end: () => void,
  ) {
    this.#loop = loop;
    this.#descriptor = descriptor;
    this.#read = read;
    this.#step = step;
    this.#end = end;
    this.#listen();
  }

  /** No callback comes after this. The descriptor stays open. */
  stop(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#loop.unwatch(this.#descriptor);
  }

  #listen(): void {
    this.#loop.watch(this.#descriptor, ready.read | ready.peerClosed, () => this.#look());
  }

  #look(): void {
    const piece = this.#read();
    if (piece.kind === 'nothing') return;
    if (piece.kind === 'end') {
      this.stop();
      this.#end();
      return;
    }
    const taken = this.#step(piece.value);
    if (taken === undefined || !this.#open) return;
    this.#loop.unwatch(this.#descriptor);
    const go = () => {
      if (this.#open) this.#listen();
    };
    taken.then(go, go);
  }
}

/** A plain read(2). */
export function readPiece(kernel: Kernel, descriptor: number): Piece<Uint8Array> {
  for (;;) {
    const count = kernel.raw('read', 0b10, descriptor, bufferOffset, bufferSize);
    if (count > 0) return { kind: 'bytes', value: kernel.bytes.slice(bufferOffset, bufferOffset + count) };
    if (count === again) return { kind: 'nothing' };
    // The kernel's log says EPIPE when records were overwritten before they were read; the next read goes on.
    if (count !== interrupted && count !== brokenPipe) return { kind: 'end' };
  }
}

/** A source over a non-blocking descriptor, which is its own from now on. */
export function descriptorSource(
  kernel: Kernel,
  loop: Loop,
  descriptor: number,
  read: () => Piece<Uint8Array> = () => readPiece(kernel, descriptor),
): ByteSource {
  let open = true;
  let reader: Reader<Uint8Array> | undefined;
  const close = () => {
    if (!open) return;
    open = false;
    reader?.stop();
    kernel.close(descriptor);
  };
  return {
    start(take: Take, end: () => void) {
      const finish = () => {
        close();
        end();
      };
      try {
        reader = new Reader(loop, descriptor, read, take, finish);
      } catch {
        // epoll refuses a regular file: it has no news to give.
        finish();
      }
    },
    close,
  };
}
