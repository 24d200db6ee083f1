/** What carries a request: a door of the host, so that the client of the control socket is plain ECMAScript. */

/** A connected stream socket. At most one read and one write at a time. */
export interface Connection {
  /** The next bytes; undefined at the end. @throws TransportFailure */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when more may be written. @throws TransportFailure */
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
}

export interface Transport {
  /**
   * Connects to a unix socket; waits a few seconds while the queue of the server is full.
   * @param idle milliseconds without a byte in either direction, after which the connection fails with ETIMEDOUT
   * @throws TransportFailure
   */
  connect(path: string, idle: number): Promise<Connection>;
  encode(text: string): Uint8Array;
  /** UTF-8; malformed bytes are replaced. */
  decode(bytes: Uint8Array): string;
}

/** A failure of the machine: `code` is its name for the reason, e.g. `ECONNREFUSED`. */
export class TransportFailure extends Error {
  override name = 'TransportFailure';
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Milliseconds to wait before each new try to connect while a server's queue is full; about four seconds in all. */
export const connectPauses: readonly number[] = Array.from({ length: 12 }, (_, step) => 2 ** step);
