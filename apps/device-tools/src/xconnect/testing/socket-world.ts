/** Sockets of a machine in memory: pairs with little room, descriptors that are counted, and a clock that is moved by hand. */
import type { Interest, MeshSockets, Received } from '../../host/mesh-ports.ts';

interface Message {
  bytes: number[];
  descriptors: number[];
}

interface End {
  peer: End;
  inbox: Message[];
  /** No more can come in, or the other side has gone. */
  inputEnded: boolean;
  closed: boolean;
}

export class SocketWorld {
  readonly room: number;
  readonly #ends = new Map<number, End>();
  readonly #watches = new Map<number, { interest: Interest; ready: (is: Interest) => void }>();
  readonly #timers = new Set<{ due: number; callback: () => void }>();
  readonly #listeners = new Map<number, { queue: number[]; full: boolean }>();
  #time = 0;
  #next = 3;

  /** @param room bytes that a socket takes before its reader has to read */
  constructor(room = 16) {
    this.room = room;
  }

  /** Both ends of a connection. */
  connection(): [number, number] {
    const [one, other] = [{}, {}] as [End, End];
    Object.assign(one, { peer: other, inbox: [], inputEnded: false, closed: false });
    Object.assign(other, { peer: one, inbox: [], inputEnded: false, closed: false });
    return [this.#add(one), this.#add(other)];
  }

  /** Something that can be passed along. */
  descriptor(): number {
    const [one, other] = this.connection();
    this.sockets.close(other);
    return one;
  }

  listener(): number {
    const number = this.#next++;
    this.#listeners.set(number, { queue: [], full: false });
    return number;
  }

  /** The client's end of a connection that waits to be accepted. */
  knock(listener: number): number {
    const [client, server] = this.connection();
    this.#listeners.get(listener)?.queue.push(server);
    return client;
  }

  /** Whether accept finds too many files open. */
  setFull(listener: number, full: boolean): void {
    const state = this.#listeners.get(listener);
    if (state !== undefined) state.full = full;
  }

  get open(): number {
    return this.#ends.size + this.#listeners.size;
  }

  isOpen(descriptor: number): boolean {
    return this.#ends.has(descriptor);
  }

  isWatched(descriptor: number): boolean {
    return this.#watches.has(descriptor);
  }

  now = (): number => this.#time;

  after = (milliseconds: number, callback: () => void): (() => void) => {
    const timer = { due: this.#time + milliseconds, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Lets time go by. */
  advance(milliseconds: number): void {
    const end = this.#time + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.due <= end).sort((one, other) => one.due - other.due)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#time = Math.max(this.#time, due.due);
      due.callback();
    }
    this.#time = end;
  }

  /** Tells one watcher that something is ready; false when nothing is. @param choose which of several */
  turn(choose: (count: number) => number = () => 0): boolean {
    const found = [...this.#watches].flatMap(([descriptor, { interest, ready }]) => {
      const is = {
        read: interest.read && this.#canRead(descriptor),
        write: interest.write && this.#canWrite(descriptor),
      };
      return is.read || is.write ? [{ is, ready }] : [];
    });
    const chosen = found[choose(found.length)];
    chosen?.ready(chosen.is);
    return chosen !== undefined;
  }

  /** Turns until nothing is ready. */
  settle(): void {
    while (this.turn());
  }

  readonly sockets: MeshSockets = {
    connectPath: () => {
      throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    },
    connect: () => {
      throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    },
    accept: (listener) => {
      const state = this.#listeners.get(listener);
      if (state === undefined) throw Object.assign(new Error('EBADF'), { code: 'EBADF' });
      if (state.full) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
      return state.queue.shift();
    },
    receive: (socket, descriptors) => this.#receive(socket, descriptors),
    send: (socket, bytes, descriptors) => this.#send(socket, bytes, descriptors),
    finish: (socket) => {
      this.#end(socket).peer.inputEnded = true;
    },
    watch: (descriptor, interest, ready) => {
      if (interest.read || interest.write) this.#watches.set(descriptor, { interest, ready });
      else this.#watches.delete(descriptor);
    },
    close: (descriptor) => {
      this.#watches.delete(descriptor);
      const listener = this.#listeners.get(descriptor);
      if (listener !== undefined) {
        this.#listeners.delete(descriptor);
        for (const waiting of listener.queue) this.sockets.close(waiting);
        return;
      }
      const end = this.#end(descriptor);
      end.closed = true;
      end.peer.inputEnded = true;
      this.#ends.delete(descriptor);
    },
  };

  #add(end: End): number {
    const number = this.#next++;
    this.#ends.set(number, end);
    return number;
  }

  #end(descriptor: number): End {
    const end = this.#ends.get(descriptor);
    if (end === undefined) throw Object.assign(new Error(`EBADF ${descriptor}`), { code: 'EBADF' });
    return end;
  }

  #canRead(descriptor: number): boolean {
    const listener = this.#listeners.get(descriptor);
    if (listener !== undefined) return listener.full || listener.queue.length > 0;
    const end = this.#end(descriptor);
    return end.inbox.length > 0 || end.inputEnded;
  }

  #canWrite(descriptor: number): boolean {
    const { peer } = this.#end(descriptor);
    return peer.closed || waiting(peer) < this.room;
  }

  #receive(socket: number, descriptors: boolean): Received | undefined {
    const end = this.#end(socket);
    const message = end.inbox.shift();
    if (message === undefined)
      return end.inputEnded ? { bytes: new Uint8Array(), descriptors: [], truncated: false } : undefined;
    if (!descriptors) for (const each of message.descriptors) this.sockets.close(each);
    return {
      bytes: Uint8Array.from(message.bytes),
      descriptors: descriptors ? message.descriptors : [],
      truncated: false,
    };
  }

  #send(socket: number, bytes: Uint8Array, descriptors: readonly number[]): number {
    const { peer } = this.#end(socket);
    if (peer.closed) throw Object.assign(new Error('EPIPE'), { code: 'EPIPE' });
    const count = Math.min(bytes.length, this.room - waiting(peer));
    if (count <= 0) return 0;
    // Copies travel: the sender still closes its own.
    const copies = descriptors.map((each) => this.#add(this.#end(each)));
    peer.inbox.push({ bytes: [...bytes.subarray(0, count)], descriptors: copies });
    return count;
  }
}

const waiting = ({ inbox }: End) => inbox.reduce((total, { bytes }) => total + bytes.length, 0);
