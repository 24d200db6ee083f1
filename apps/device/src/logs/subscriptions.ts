/** Descriptors that others hand over to be read: pv-fd-log (logs.md §3). */
import type { ByteSource, ConnectionHandler } from '../host/streams.ts';
import type { Log } from '../runtime/log.ts';
import type { LogDesk } from './desk.ts';

const nameLength = 50;
/** Bytes of a request: platform, source, level, and 1 to subscribe or 0 to unsubscribe. */
export const requestLength = 2 * nameLength + 8;
const mostSubscriptions = 256;

export interface SubscriptionRequest {
  platform: string;
  source: string;
  level: number;
  subscribe: boolean;
}

/** Reads a request; undefined when it has another length. */
export function readRequest(bytes: Uint8Array, decode: (bytes: Uint8Array) => string): SubscriptionRequest | undefined {
  if (bytes.length !== requestLength) return undefined;
  const name = (start: number) => {
    const field = bytes.subarray(start, start + nameLength);
    const end = field.indexOf(0);
    return decode(end < 0 ? field : field.subarray(0, end));
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    platform: name(0),
    source: name(nameLength),
    level: view.getInt32(2 * nameLength, true),
    subscribe: view.getInt32(2 * nameLength + 4, true) === 1,
  };
}

/** A request as bytes. */
export function encodeRequest(request: SubscriptionRequest, encode: (text: string) => Uint8Array): Uint8Array {
  const bytes = new Uint8Array(requestLength);
  bytes.set(encode(request.platform).subarray(0, nameLength - 1), 0);
  bytes.set(encode(request.source).subarray(0, nameLength - 1), nameLength);
  const view = new DataView(bytes.buffer);
  view.setInt32(2 * nameLength, request.level, true);
  view.setInt32(2 * nameLength + 4, request.subscribe ? 1 : 0, true);
  return bytes;
}

export class Subscriptions {
  readonly #desk: LogDesk;
  readonly #decode: (bytes: Uint8Array) => string;
  readonly #log: Log;
  readonly #open = new Map<ByteSource, string>();

  constructor(desk: LogDesk, decode: (bytes: Uint8Array) => string, log: Log) {
    this.#desk = desk;
    this.#decode = decode;
    this.#log = log;
  }

  /** What to do with a connection to the socket: one request each. */
  connection(close: () => void): ConnectionHandler {
    return {
      data: (bytes, passed) => {
        const request = readRequest(bytes, this.#decode);
        const [source, ...others] = passed;
        for (const other of others) other.close();
        if (request?.subscribe === true && source !== undefined) this.#subscribe(request, source);
        else source?.close();
        if (request === undefined)
          this.#log('WARN', 'logs', `cannot understand a subscription of ${bytes.length} bytes`);
        else if (!request.subscribe) this.#unsubscribe(request);
        else if (source === undefined) this.#log('WARN', 'logs', 'cannot subscribe without a descriptor');
        close();
      },
      end: () => {},
    };
  }

  /** Ends all of them. */
  close(): void {
    for (const source of this.#open.keys()) source.close();
    this.#open.clear();
  }

  get count(): number {
    return this.#open.size;
  }

  #subscribe({ platform, source: name, level }: SubscriptionRequest, source: ByteSource): void {
    if (this.#open.size >= mostSubscriptions) {
      this.#log(
        'WARN',
        'logs',
        `cannot read another descriptor for ${platform}: there are ${mostSubscriptions} already`,
      );
      source.close();
      return;
    }
    this.#open.set(source, keyOf(platform, name));
    source.start(
      (data) => this.#desk.put({ protocol: 'stream', level, source: name, data }, platform),
      () => void this.#open.delete(source),
    );
  }

  #unsubscribe({ platform, source: name }: SubscriptionRequest): void {
    for (const [source, key] of this.#open) {
      if (key !== keyOf(platform, name)) continue;
      source.close();
      this.#open.delete(source);
    }
  }
}

const keyOf = (platform: string, source: string) => `${platform}\0${source}`;
