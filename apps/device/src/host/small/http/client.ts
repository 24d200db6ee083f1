/** The port `HttpClient` over system calls: one connection a request, plain or under TLS. */
import { type AnswerHead, type Body, type ByteSource, readAnswer } from '@pantavisor/ctrl-api/http';
import { bufferOffset, bufferSize, type Kernel, type Loop, openFlags, SystemCallError } from '@pantavisor/small-host';
import type {
  HttpAnswer,
  HttpCall,
  HttpClient,
  HttpDownload,
  HttpDownloaded,
  HttpStream,
  HttpTake,
} from '../../http-client.ts';
import { type Files, HostError } from '../../ports.ts';
import { attempt } from '../failure.ts';
import { connectSocket, formatAddress, stream } from './address.ts';
import { openTunnel } from './proxy.ts';
import { resolveHost } from './resolver.ts';
import { type ByteStream, SecureChannel } from './secure-channel.ts';
import { type HttpUrl, parseUrl } from './url.ts';

/** Creates the port. */
export function createHttpClient(kernel: Kernel, loop: Loop, files: Files): HttpClient {
  const client = new SmallHttpClient(kernel, loop, files);
  return {
    request: (call, limit) => client.request(call, limit),
    stream: (call, take) => client.stream(call, take),
    download: (wanted) => client.download(wanted),
  };
}

interface Connected {
  open: ByteStream;
  /** Address and port at the other end. */
  server: string;
}

class SmallHttpClient implements HttpClient {
  readonly #kernel: Kernel;
  readonly #loop: Loop;
  readonly #files: Files;

  constructor(kernel: Kernel, loop: Loop, files: Files) {
    this.#kernel = kernel;
    this.#loop = loop;
    this.#files = files;
  }

  request(call: HttpCall, limit: number): Promise<HttpAnswer> {
    return this.#send(call, async ({ status, headers }, body, server) => ({
      status,
      headers,
      body: await body.whole(limit, () => tooLong(limit)),
      server,
    }));
  }

  stream(call: HttpCall, { open, bytes }: HttpTake): HttpStream {
    let connection: ByteStream | undefined;
    let closed = false;
    const take = async (head: AnswerHead, body: Body) => {
      if (!open({ status: head.status, headers: head.headers })) return;
      while (!closed) {
        const piece = await body.next();
        if (piece === undefined) return;
        if (!closed) bytes(piece);
      }
    };
    const begun = (opened: ByteStream) => {
      connection = opened;
      if (closed) opened.close();
    };
    const ended = this.#send(call, take, begun).catch((error) => {
      if (!closed) throw error;
    });
    return {
      ended,
      close: () => {
        closed = true;
        connection?.close();
      },
    };
  }

  async download(wanted: HttpDownload): Promise<HttpDownloaded> {
    const have = (await this.#files.status(wanted.path, { follow: true }))?.size ?? 0;
    const first = await this.#fetchInto(wanted, have);
    // What is there is longer than the body, or not its beginning: once more from the start.
    return !first.complete && first.status === 416 && have > 0 ? this.#fetchInto(wanted, 0) : first;
  }

  #fetchInto(wanted: HttpDownload, have: number): Promise<HttpDownloaded> {
    const { path, mode, admit, headers, ...rest } = wanted;
    const range: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
    return this.#send({ ...rest, method: 'GET', headers: { ...headers, ...range } }, async (head, body) => {
      const start = /^bytes (\d+)-/.exec(head.headers['content-range'] ?? '')?.[1];
      const goesOn = head.status === 206 && have > 0 && Number(start) === have;
      if (head.status !== 200 && !goesOn) return { complete: false, status: head.status, headers: head.headers };
      const flags = openFlags.readWrite | openFlags.create | (goesOn ? 0 : openFlags.truncate);
      const file = attempt('open', path, () => this.#kernel.open(path, flags, mode));
      try {
        return await this.#append(body, file, path, goesOn ? have : 0, admit);
      } finally {
        this.#kernel.close(file);
      }
    });
  }

  async #append(
    body: Body,
    file: number,
    path: string,
    start: number,
    admit: HttpDownload['admit'],
  ): Promise<HttpDownloaded> {
    const { machine, bytes } = this.#kernel;
    const hash = this.#kernel.door(machine.hashNew(), 'hash', path);
    let size = 0;
    let finished = false;
    try {
      while (size < start) {
        const count = attempt('read', path, () =>
          this.#kernel.door(machine.hashDescriptor(hash, file, Math.min(start - size, 1 << 20)), 'read', path),
        );
        if (count === 0) throw new HostError('EIO', 'read', path, 'it became shorter meanwhile');
        size += count;
      }
      for (let piece = await body.next(); piece !== undefined; piece = await body.next()) {
        const part = piece;
        if (!(await admit(size + part.length))) throw new HostError('EFBIG', 'write', path, 'the rest was refused');
        attempt('write', path, () => this.#kernel.write(file, part));
        for (let at = 0; at < part.length; at += bufferSize) {
          const window = part.subarray(at, at + bufferSize);
          bytes.set(window, bufferOffset);
          this.#kernel.door(machine.hashUpdate(hash, bufferOffset, window.length), 'hash', path);
        }
        size += part.length;
      }
      const sha256 = this.#kernel.finishHash(hash);
      finished = true;
      return { complete: true, size, sha256 };
    } finally {
      if (!finished) machine.hashFinish(hash, bufferOffset);
    }
  }

  async #send<Result>(
    call: HttpCall,
    take: (head: AnswerHead, body: Body, server: string) => Promise<Result>,
    begun: (open: ByteStream) => void = () => {},
  ): Promise<Result> {
    let open: ByteStream | undefined;
    try {
      const url = parseUrl(call.url);
      const length = await this.#lengthOf(call);
      const connected = await this.#connect(url, call);
      open = connected.open;
      begun(open);
      const broken = await this.#sendRequest(open, url, call, length);
      const { head, body } = await readAnswer(sourceOf(open, call.idleTimeout, broken), call.method);
      return await take(head, body, connected.server);
    } catch (error) {
      throw failureOf(call, error);
    } finally {
      open?.close();
    }
  }

  async #connect(url: HttpUrl, { idleTimeout, authorities, proxy }: HttpCall): Promise<Connected> {
    const { host, port } = proxy ?? url;
    const addresses = await resolveHost(this.#kernel, this.#loop, this.#files, host, () => this.#random());
    let failure: unknown;
    for (const address of addresses) {
      try {
        const channel = await connectSocket(this.#kernel, this.#loop, address, port, stream, idleTimeout);
        const server = `${formatAddress(address)}:${port}`;
        if (!url.secure) return { open: channel, server };
        try {
          if (proxy?.tunnel) await openTunnel(channel, url, proxy, idleTimeout);
          return { open: await SecureChannel.open(this.#kernel, channel, url.host, authorities, idleTimeout), server };
        } catch (error) {
          channel.close();
          throw error;
        }
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #random(): number {
    this.#kernel.call('getrandom', 0b1, [bufferOffset, 2, 0]);
    return this.#kernel.view.getUint16(bufferOffset, true);
  }

  async #lengthOf({ body, method }: HttpCall): Promise<number | undefined> {
    if (body === undefined) return method === 'GET' || method === 'DELETE' ? undefined : 0;
    if (typeof body === 'string') return this.#kernel.encode(body).length;
    if (body instanceof Uint8Array) return body.length;
    const status = await this.#files.status(body.file, { follow: true });
    if (!status) throw new HostError('ENOENT', 'read', body.file);
    return status.size;
  }

  /** The failure that kept the request from being sent whole: a server may answer before it has read everything, and hang up. */
  async #sendRequest(
    open: ByteStream,
    url: HttpUrl,
    call: HttpCall,
    length: number | undefined,
  ): Promise<HostError | undefined> {
    const { method, headers, body, idleTimeout, proxy } = call;
    const fields = { host: url.authority, ...headers, connection: 'close' };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
    if (length !== undefined) lines.push(`content-length: ${length}`);
    // Who only passes it on is told the whole address.
    const target = proxy !== undefined && !(url.secure && proxy.tunnel) ? call.url : url.target;
    const start = `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
    if (/[\r\n]/.test(`${url.target}${Object.entries(fields).flat().join('')}`))
      throw new HostError('EINVAL', `${method} ${call.url}`, undefined, 'a header holds a line end');
    try {
      await open.write(this.#kernel.encode(start), idleTimeout);
      if (typeof body === 'string') await open.write(this.#kernel.encode(body), idleTimeout);
      else if (body instanceof Uint8Array) await open.write(body, idleTimeout);
      else if (body) await this.#sendFile(open, body.file, length ?? 0, idleTimeout);
      return undefined;
    } catch (error) {
      if (error instanceof HostError && error.code === 'ECONNRESET') return error;
      throw error;
    }
  }

  async #sendFile(open: ByteStream, path: string, length: number, timeout: number): Promise<void> {
    const file = attempt('read', path, () => this.#kernel.open(path, openFlags.readOnly));
    try {
      for (let left = length; left > 0; ) {
        const count = attempt('read', path, () => this.#kernel.read(file, Math.min(left, bufferSize)));
        if (count === 0) throw new HostError('EIO', 'read', path, 'it became shorter meanwhile');
        await open.write(this.#kernel.bytes.slice(bufferOffset, bufferOffset + count), timeout);
        left -= count;
      }
    } finally {
      this.#kernel.close(file);
    }
  }
}

/** @param broken why the request could not be sent whole; without an answer that is the reason */
function sourceOf(open: ByteStream, timeout: number, broken: HostError | undefined): ByteSource {
  return {
    read: () => open.read(timeout),
    failure: (kind, detail) =>
      kind === 'nothing' && broken !== undefined
        ? broken
        : new HostError(kind === 'malformed' ? 'EPROTO' : 'ECONNRESET', 'read the answer', undefined, detail),
  };
}

const tooLong = (limit: number) => new HostError('EFBIG', 'read the answer', undefined, `more than ${limit} bytes`);

/** What went wrong with a file is told as it is; everything else is about the call. */
function failureOf({ method, url }: HttpCall, error: unknown): unknown {
  if (error instanceof HostError && error.path?.startsWith('/')) return error;
  if (!(error instanceof HostError || error instanceof SystemCallError)) return error;
  return new HostError(error.code, `${method} ${url}`, undefined, error.message, { cause: error });
}
