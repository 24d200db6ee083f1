/** One connection: its requests one after the other, each with exactly one answer, until either side has enough. */
import { Body, type ByteSource, type Head, joined, latin1, parseHead } from '@pantavisor/ctrl-api/http';
import { bufferOffset, type Channel, type Kernel, openFlags } from '@pantavisor/small-host';
import { HostError, type Http, type HttpRequest, type HttpResponse, type Peer } from '../../ports.ts';
import { attempt } from '../failure.ts';
import { formatHead, isBodyless } from './answer.ts';

export type Serve = Parameters<Http['serve']>[0];
type MalformedReason = Parameters<Serve['malformed']>[0];

/** Bytes between two questions whether more of a body is welcome. */
const pieceBytes = 1 << 20;
/** Milliseconds that a client which was refused gets to read its answer. */
const lingering = 1000;

const internalError: HttpResponse = {
  status: 500,
  headers: { 'Content-Type': 'application/json' },
  body: '{"Error":"Internal Error"}',
};
const continueLine = 'HTTP/1.1 100 Continue\r\n\r\n';

export class Connection {
  readonly peer: Peer;
  readonly #kernel: Kernel;
  readonly #channel: Channel;
  readonly #serve: Serve;
  #rest: Uint8Array = new Uint8Array();
  #requests = 0;
  #closing = false;
  /** True while a request is being answered. */
  busy = false;

  constructor(kernel: Kernel, channel: Channel, serve: Serve, peer: Peer) {
    this.#kernel = kernel;
    this.#channel = channel;
    this.#serve = serve;
    this.peer = peer;
  }

  /** Ends the connection after the request in progress, or now when there is none. */
  finish(): void {
    this.#closing = true;
    if (!this.busy) this.#channel.close();
  }

  destroy(): void {
    this.#channel.close();
  }

  /** Serves until the connection ends; never rejects. */
  async run(): Promise<void> {
    try {
      while (this.#channel.isOpen && !this.#closing && (await this.#exchange()));
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    } finally {
      this.#channel.close();
    }
  }

  /** One request and its answer; false when the connection is over. */
  async #exchange(): Promise<boolean> {
    const head = await this.#readHead();
    if (head === undefined) return false;
    if (typeof head === 'string') {
      await this.#refuse(head);
      return false;
    }
    this.#requests += 1;
    this.busy = true;
    try {
      return await this.#answer(head);
    } finally {
      this.busy = false;
    }
  }

  async #readHead(): Promise<Head | MalformedReason | undefined> {
    const { headerBytes, headerTimeout, idleTimeout } = this.#serve.limits;
    let bytes = this.#rest;
    for (let searched = 0; ; ) {
      // Empty lines before a request are allowed (RFC 9112 §2.2).
      while (bytes[0] === 13 && bytes[1] === 10) bytes = bytes.subarray(2);
      const end = findEmptyLine(bytes, Math.max(0, searched - 3));
      if (end >= 0) {
        if (end > headerBytes) return 'headers-too-large';
        this.#rest = bytes.subarray(end + 4);
        return parseHead(latin1(bytes.subarray(0, end)));
      }
      if (bytes.length > headerBytes) return 'headers-too-large';
      searched = bytes.length;
      let more: Uint8Array | undefined;
      try {
        more = await this.#channel.read(this.#requests === 0 || bytes.length > 0 ? headerTimeout : idleTimeout);
      } catch (error) {
        if (error instanceof HostError && error.code === 'ETIMEDOUT' && bytes.length > 0) return 'timeout';
        return undefined;
      }
      if (more === undefined) return bytes.length > 0 ? 'syntax' : undefined;
      bytes = bytes.length === 0 ? more : joined([bytes, more]);
    }
  }

  async #answer(head: Head): Promise<boolean> {
    const { idleTimeout } = this.#serve.limits;
    const body = new Body(bodySource(this.#channel, idleTimeout), head, this.#rest);
    const request = new SmallRequest(this.#kernel, this.#channel, head, body, this.peer, idleTimeout);
    let response: HttpResponse | undefined;
    try {
      response = await this.#serve.handler(request);
    } catch {
      response = internalError;
    }
    if (body.malformed) {
      await this.#refuse('syntax');
      return false;
    }
    if (response === undefined || request.lost) return false;
    // A client that was not told to continue may send its body or not: only the end of the connection is unambiguous.
    const unasked = head.expectsContinue && !request.continued;
    const persistent = head.keepAlive && !this.#closing && !unasked;
    const sent = await this.#send(head, response, persistent);
    if (unasked || !sent) {
      await this.#linger();
      return false;
    }
    await body.discard();
    this.#rest = body.surplus;
    return persistent;
  }

  /** Sends one response; false when it could not be sent whole. */
  async #send(head: Head, response: HttpResponse, persistent: boolean): Promise<boolean> {
    const { body } = response;
    const { idleTimeout } = this.#serve.limits;
    if (typeof body === 'object' && 'file' in body && !isBodyless(response.status))
      return this.#sendFile(head, response, body.file, persistent);
    const content =
      body === undefined || isBodyless(response.status) || (typeof body === 'object' && 'file' in body) ? '' : body;
    const bytes = typeof content === 'string' ? this.#kernel.encode(content) : content;
    const length = isBodyless(response.status) ? undefined : bytes.length;
    const start = this.#kernel.encode(formatHead(response, head, persistent, length, Date.now()));
    await this.#channel.write(head.method === 'HEAD' ? start : joined([start, bytes]), idleTimeout);
    return true;
  }

  async #sendFile(head: Head, response: HttpResponse, path: string, persistent: boolean): Promise<boolean> {
    const { idleTimeout } = this.#serve.limits;
    let file: number;
    try {
      file = this.#kernel.open(path, openFlags.readOnly);
    } catch {
      return this.#send(head, internalError, persistent);
    }
    try {
      const length = this.#kernel.sizeOf(file);
      await this.#channel.write(
        this.#kernel.encode(formatHead(response, head, persistent, length, Date.now())),
        idleTimeout,
      );
      if (head.method !== 'HEAD') await this.#channel.sendFile(file, length, idleTimeout);
      return true;
    } finally {
      this.#kernel.close(file);
    }
  }

  /** Answers what is no request, once, and hangs up. */
  async #refuse(reason: MalformedReason): Promise<void> {
    const response = this.#serve.malformed(reason);
    const body = this.#kernel.encode(typeof response.body === 'string' ? response.body : '');
    const start = this.#kernel.encode(formatHead(response, undefined, false, body.length, Date.now()));
    await this.#channel.write(joined([start, body]), lingering);
    await this.#linger();
  }

  /** Bytes that were sent and not read would make the kernel report a reset before the client has read its answer. */
  async #linger(): Promise<void> {
    this.#channel.finish();
    const end = this.#kernel.machine.now() + lingering;
    for (let left = lingering; left > 0; left = end - this.#kernel.machine.now()) {
      try {
        if ((await this.#channel.read(left)) === undefined) return;
      } catch {
        return;
      }
    }
  }
}

/** The client's bytes; failures are about the body, since the head is read otherwise. */
function bodySource(channel: Channel, timeout: number): ByteSource {
  return {
    read: () => channel.read(timeout),
    moveTo: (file, hash, limit) => channel.moveTo(file, hash, limit, timeout),
    failure: (kind, detail) =>
      new HostError(kind === 'malformed' ? 'EPROTO' : 'ECONNRESET', 'read the body', undefined, detail),
  };
}

class SmallRequest implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly headers: Record<string, string>;
  readonly peer: Peer;
  readonly contentLength: number | undefined;
  readonly #kernel: Kernel;
  readonly #channel: Channel;
  readonly #body: Body;
  readonly #timeout: number;
  #mustContinue: boolean;
  /** The client went away or stopped in the middle of the body: nobody waits for an answer. */
  lost = false;

  constructor(kernel: Kernel, channel: Channel, head: Head, body: Body, peer: Peer, timeout: number) {
    this.method = head.method;
    this.target = head.target;
    this.version = head.version;
    this.headers = { ...head.headers };
    this.peer = peer;
    this.contentLength = head.contentLength;
    this.#kernel = kernel;
    this.#channel = channel;
    this.#body = body;
    this.#timeout = timeout;
    this.#mustContinue = head.expectsContinue;
  }

  get continued(): boolean {
    return !this.#mustContinue;
  }

  async readBody(limit: number): Promise<Uint8Array> {
    const tooLarge = () => new HostError('EFBIG', 'read the request body', undefined, `more than ${limit} bytes`);
    if ((this.contentLength ?? 0) > limit) throw tooLarge();
    await this.#tellToContinue();
    return this.#received(() => this.#body.whole(limit, tooLarge));
  }

  async saveBody(
    path: string,
    mode: number,
    admit: (total: number) => Promise<boolean> = async () => true,
  ): Promise<{ size: number; sha256: string }> {
    await this.#tellToContinue();
    const file = attempt('create', path, () =>
      this.#kernel.open(path, openFlags.writeOnly | openFlags.create | openFlags.truncate, mode),
    );
    const hash = this.#kernel.door(this.#kernel.machine.hashNew(), 'hash', path);
    let finished = false;
    try {
      const size = await this.#copy(path, file, hash, admit);
      const sha256 = this.#kernel.finishHash(hash);
      finished = true;
      return { size, sha256 };
    } finally {
      this.#kernel.close(file);
      if (!finished) {
        this.#kernel.machine.hashFinish(hash, bufferOffset);
        this.#kernel.putPath(path);
        this.#kernel.raw('unlinkat', 0b10, -100, 0, 0);
      }
    }
  }

  async #copy(path: string, file: number, hash: number, admit: (total: number) => Promise<boolean>): Promise<number> {
    const { machine } = this.#kernel;
    let size = 0;
    let admitted = 0;
    while (!this.#body.ended) {
      if (size >= admitted) {
        admitted = Math.min(size + pieceBytes, this.contentLength ?? Number.POSITIVE_INFINITY);
        if (!(await admit(admitted))) throw new HostError('EFBIG', 'write', path, 'the body was refused');
      }
      if (this.#body.movable) {
        size += await this.#moved(path, () => this.#received(() => this.#body.moveTo(file, hash, admitted - size)));
        continue;
      }
      const piece = await this.#next();
      if (piece === undefined) break;
      size += piece.length;
      attempt('write', path, () => this.#kernel.write(file, piece));
      this.#kernel.bytes.set(piece.subarray(0, piece.length), bufferOffset);
      this.#kernel.door(machine.hashUpdate(hash, bufferOffset, piece.length), 'hash', path);
    }
    return size;
  }

  #next(): Promise<Uint8Array | undefined> {
    return this.#received(() => this.#body.next());
  }

  /** For who reads a body, a client that stops is one that went away. */
  async #received<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HostError) || !['ECONNRESET', 'ETIMEDOUT'].includes(error.code)) throw error;
      this.lost = true;
      throw new HostError('ECONNRESET', 'read the request body', undefined, 'the client went away', { cause: error });
    }
  }

  /** Errors of the C host while it writes name the file. */
  async #moved(path: string, work: () => Promise<number>): Promise<number> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof HostError) throw error;
      return attempt('write', path, () => {
        throw error;
      });
    }
  }

  async #tellToContinue(): Promise<void> {
    if (!this.#mustContinue) return;
    this.#mustContinue = false;
    await this.#channel.write(this.#kernel.encode(continueLine), this.#timeout);
  }
}

function findEmptyLine(bytes: Uint8Array, from: number): number {
  for (let index = bytes.indexOf(13, from); index >= 0; index = bytes.indexOf(13, index + 1))
    if (bytes[index + 1] === 10 && bytes[index + 2] === 13 && bytes[index + 3] === 10) return index;
  return -1;
}
