/** A client and its provider, connected: bytes and descriptors both ways until nobody has anything to say (xconnect.md §6.1, §6.2). */
import type { Interest, MeshHost } from '../host/mesh-ports.ts';
import type { Filter } from './filter.ts';

/** Bytes that wait for a reader, from which on the writer has to wait, too. */
export const mostQueued = 256 * 1024;
/** How long the one side may take for an answer when the other one has finished. */
export const patience = 60_000;

interface Piece {
  bytes: Uint8Array;
  descriptors: readonly number[];
}

/** One way. */
interface Way {
  from: number;
  to: number;
  queue: Piece[];
  queued: number;
  /** Nothing more comes. */
  ended: boolean;
  /** The other end knows that. */
  finished: boolean;
}

export interface PairParts {
  host: Pick<MeshHost, 'sockets' | 'after' | 'now'>;
  /** Open sockets, which the pair takes over. */
  client: number;
  provider: number;
  /** Descriptors go along. */
  descriptors: boolean;
  filter?: Filter | undefined;
  /** Called once; both sockets are closed. */
  ended(why?: string): void;
}

export class Pair {
  readonly #parts: PairParts;
  readonly #there: Way;
  readonly #back: Way;
  readonly #watched = new Map<number, Interest>();
  #filter: Filter | undefined;
  #last: number;
  #cancel: (() => void) | undefined;
  #isOpen = true;

  constructor(parts: PairParts) {
    const { client, provider, filter, host } = parts;
    this.#parts = parts;
    this.#filter = filter;
    this.#last = host.now();
    const way = (from: number, to: number): Way => ({ from, to, queue: [], queued: 0, ended: false, finished: false });
    this.#there = way(client, provider);
    this.#back = way(provider, client);
    this.#listen();
  }

  /** Ends it at once. */
  close(why?: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#cancel?.();
    const { sockets } = this.#parts.host;
    for (const way of [this.#there, this.#back]) this.#forget(way);
    sockets.close(this.#there.from);
    sockets.close(this.#back.from);
    this.#parts.ended(why);
  }

  #ready(socket: number, { read, write }: Interest): void {
    const [from, to] = socket === this.#there.from ? [this.#there, this.#back] : [this.#back, this.#there];
    if (write && this.#isOpen) this.#flush(to);
    if (read && this.#isOpen) this.#read(from);
    if (this.#isOpen) this.#listen();
  }

  #read(way: Way): void {
    if (way.ended || way.queued >= mostQueued) return;
    const { sockets, now } = this.#parts.host;
    let received: ReturnType<typeof sockets.receive>;
    try {
      received = sockets.receive(way.from, this.#parts.descriptors);
    } catch {
      // The other end has gone without having read everything.
      received = { bytes: new Uint8Array(0), descriptors: [], truncated: false };
    }
    if (received === undefined) return;
    this.#last = now();
    if (received.truncated) {
      for (const descriptor of received.descriptors) sockets.close(descriptor);
      this.close('descriptors were lost: too many are open');
      return;
    }
    if (received.bytes.length === 0) this.#end(way);
    else this.#take(way, received);
    if (this.#isOpen) this.#flush(way);
  }

  #take(way: Way, { bytes, descriptors }: Piece): void {
    const filter = this.#filter;
    if (filter === undefined) {
      this.#put(way, { bytes, descriptors });
      return;
    }
    let out: Uint8Array | undefined;
    if (way === this.#there) {
      out = filter.push(bytes);
      this.#put(way, { bytes: out ?? new Uint8Array(0), descriptors });
    } else {
      out = filter.answered?.(bytes) ?? (filter.answered === undefined ? new Uint8Array(0) : undefined);
      this.#put(way, { bytes, descriptors });
      if (out !== undefined) {
        this.#put(this.#there, { bytes: out, descriptors: [] });
        this.#flush(this.#there);
      }
    }
    if (out === undefined && this.#isOpen) this.close('the client does not keep to the protocol');
    else if (filter.isDone) this.#filter = undefined;
  }

  #put(way: Way, piece: Piece): void {
    // Without bytes nothing carries descriptors; no protocol sends them while a filter holds bytes back.
    if (piece.bytes.length === 0 || way.finished) {
      for (const descriptor of piece.descriptors) this.#parts.host.sockets.close(descriptor);
      return;
    }
    way.queue.push(piece);
    way.queued += piece.bytes.length;
  }

  #end(way: Way): void {
    way.ended = true;
    if (way === this.#there && this.#filter !== undefined)
      this.#put(way, { bytes: this.#filter.end(), descriptors: [] });
    this.#await();
  }

  #flush(way: Way): void {
    const { sockets, now } = this.#parts.host;
    try {
      for (let piece = way.queue[0]; piece !== undefined; piece = way.queue[0]) {
        const count = sockets.send(way.to, piece.bytes, piece.descriptors);
        if (count === 0) return;
        this.#last = now();
        way.queued -= count;
        for (const descriptor of piece.descriptors) sockets.close(descriptor);
        if (count === piece.bytes.length) way.queue.shift();
        else way.queue[0] = { bytes: piece.bytes.subarray(count), descriptors: [] };
      }
    } catch {
      // Nobody reads there any more. What comes from there is still to be delivered.
      this.#forget(way);
      way.ended = true;
      this.#await();
    }
    if (!way.ended || way.finished) return;
    way.finished = true;
    sockets.finish(way.to);
    if (this.#there.finished && this.#back.finished) this.close();
  }

  /** Throws away what waits. */
  #forget(way: Way): void {
    for (const { descriptors } of way.queue)
      for (const descriptor of descriptors) this.#parts.host.sockets.close(descriptor);
    way.queue = [];
    way.queued = 0;
  }

  #listen(): void {
    for (const [way, other] of [
      [this.#there, this.#back],
      [this.#back, this.#there],
    ] as const) {
      const wanted = { read: !way.ended && way.queued < mostQueued, write: other.queued > 0 };
      const now = this.#watched.get(way.from);
      if (now?.read === wanted.read && now.write === wanted.write) continue;
      this.#watched.set(way.from, wanted);
      this.#parts.host.sockets.watch(way.from, wanted, (is) => this.#ready(way.from, is));
    }
  }

  /** One side has finished: the pair ends when nothing comes for too long. */
  #await(): void {
    if (this.#cancel !== undefined) return;
    const { host } = this.#parts;
    this.#cancel = host.after(Math.max(0, this.#last + patience - host.now()), () => {
      this.#cancel = undefined;
      if (host.now() - this.#last >= patience) this.close();
      else this.#await();
    });
  }
}
