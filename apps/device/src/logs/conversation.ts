/** One connection to a log socket: bytes in, messages out. */
import type { Clock } from '../host/ports.ts';
import type { ConnectionHandler } from '../host/streams.ts';
import { concatenate } from './files.ts';
import { nextFrame } from './protocols/frames.ts';

/** Milliseconds that the rest of a message may take to come, and the first byte of a connection. */
const restTimeout = 1000;
const firstTimeout = 10_000;

export interface ConversationRoom {
  clock: Clock;
  decode: (bytes: Uint8Array) => string;
  /** Longest message in bytes; what is longer is cut. */
  limit: number;
  /** Takes one message; may ask to wait. */
  message: (bytes: Uint8Array) => void | Promise<void>;
  close: () => void;
}

/** Reads messages until the sender has said all, or has said one that cannot be followed by another. */
export class Conversation implements ConnectionHandler {
  readonly #room: ConversationRoom;
  #bytes: Uint8Array = new Uint8Array();
  #over = false;
  #cancel: () => void;

  constructor(room: ConversationRoom) {
    this.#room = room;
    this.#cancel = room.clock.after(firstTimeout, () => this.#finish());
  }

  async data(bytes: Uint8Array): Promise<void> {
    this.#cancel();
    if (this.#over) return;
    this.#bytes = this.#bytes.length === 0 ? bytes : concatenate([this.#bytes, bytes]);
    await this.#read(this.#bytes.length >= this.#room.limit);
    if (this.#bytes.length > 0 && !this.#over)
      this.#cancel = this.#room.clock.after(restTimeout, () => void this.#read(true).then(() => this.#finish()));
  }

  end(): void {
    this.#cancel();
    if (!this.#over) void this.#read(true);
    this.#over = true;
  }

  async #read(last: boolean): Promise<void> {
    while (!this.#over) {
      const frame = nextFrame(this.#bytes.subarray(0, this.#room.limit), last, this.#room.decode);
      if (frame.kind === 'incomplete') return;
      this.#bytes = frame.rest;
      // An empty message between two that are ended by a NUL says nothing.
      if (frame.bytes.length > 0) {
        if (!frame.more) this.#over = true;
        await this.#room.message(frame.bytes);
        if (!frame.more) this.#room.close();
      }
    }
  }

  #finish(): void {
    this.#cancel();
    this.#over = true;
    this.#room.close();
  }
}
