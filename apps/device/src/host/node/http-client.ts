/** The port `HttpClient` on Node. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type {
  HttpAnswer,
  HttpCall,
  HttpClient,
  HttpDownload,
  HttpDownloaded,
  HttpStream,
  HttpTake,
} from '../http-client.ts';
import { HostError } from '../ports.ts';
import { hasCode, hostError } from './errors.ts';
import { secureThroughProxy } from './http-proxy.ts';

/** Creates the port. Connections are not kept: the Hub is asked rarely, and a kept one may have died unseen. */
export function createHttpClient(): HttpClient {
  return { request: (call, limit) => send(call, (answer) => readAnswer(answer, limit)), stream, download };
}

async function send<Result>(
  call: HttpCall,
  take: (answer: IncomingMessage) => Promise<Result>,
  begun: (sent: ClientRequest) => void = () => {},
): Promise<Result> {
  const length = await lengthOf(call);
  return new Promise((resolve, reject) => {
    const sent = begin(call, length);
    begun(sent);
    let answering = false;
    let late: HostError | undefined;
    const fail = (error: unknown) => {
      reject(late ?? failureOf(call, error));
      sent.destroy();
    };
    sent.setTimeout(call.idleTimeout, () => {
      late = timedOut(call);
      sent.destroy(late);
    });
    // Once an answer comes, whoever takes it says how it ends: a file may still be written to when the connection is gone.
    sent.on('error', (error) => {
      if (!answering) fail(error);
    });
    sent.on('response', (answer) => {
      answering = true;
      take(answer).then(resolve, fail);
    });
    writeBody(sent, call).catch((error) => {
      if (!answering) fail(error);
    });
  });
}

function begin(call: HttpCall, length: number | undefined): ClientRequest {
  const { method, url, headers, authorities, proxy, idleTimeout } = call;
  const options: RequestOptions = {
    method,
    // Counts from the first packet; what is set on a request counts only from the connection on.
    timeout: idleTimeout,
    headers: { ...headers, ...(length === undefined ? {} : { 'content-length': String(length) }) },
  };
  const isSecure = url.startsWith('https:');
  if (proxy !== undefined && !isSecure) {
    const { host } = new URL(url);
    const through = { host: proxy.host, port: proxy.port, path: url, headers: { host, ...options.headers } };
    return httpRequest({ ...options, ...through, agent: false });
  }
  if (!isSecure) return httpRequest(url, { ...options, agent: false });
  const trust = authorities === undefined ? {} : { ca: authorities };
  if (proxy === undefined) return httpsRequest(url, { ...options, ...trust, agent: false });
  // Without an agent, so that the connection is the one made here.
  const createConnection: RequestOptions['createConnection'] = (_, done) => {
    secureThroughProxy(call, proxy).then(
      (socket) => done(null, socket),
      (error: Error) => done(error, undefined as never),
    );
    return undefined;
  };
  return httpsRequest(url, { ...options, createConnection, ...(proxy.tunnel ? {} : { path: url }) });
}

function stream(call: HttpCall, { open, bytes }: HttpTake): HttpStream {
  let request: ClientRequest | undefined;
  let closed = false;
  const take = async (answer: IncomingMessage) => {
    if (!open({ status: answer.statusCode ?? 0, headers: headersOf(answer) })) return void answer.destroy();
    for await (const chunk of answer) bytes(chunk as Buffer);
  };
  const begun = (sent: ClientRequest) => {
    request = sent;
    if (closed) sent.destroy();
  };
  const ended = send(call, take, begun).catch((error) => {
    if (!closed) throw error;
  });
  return {
    ended,
    close: () => {
      closed = true;
      request?.destroy();
    },
  };
}

async function lengthOf({ body, method }: HttpCall): Promise<number | undefined> {
  if (body === undefined) return method === 'GET' || method === 'DELETE' ? undefined : 0;
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.byteLength(body);
  try {
    return (await stat(body.file)).size;
  } catch (error) {
    throw hostError('read', body.file, error);
  }
}

async function writeBody(sent: ClientRequest, { body }: HttpCall): Promise<void> {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) sent.end(body);
  else await pipeline(createReadStream(body.file), sent);
}

const headersOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );

async function readAnswer(answer: IncomingMessage, limit: number): Promise<HttpAnswer> {
  // A connection that has ended no longer knows.
  const { remoteAddress: address, remotePort: port } = answer.socket;
  const server = address === undefined ? {} : { server: `${address}:${port}` };
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of answer) {
    const bytes: Buffer = chunk;
    total += bytes.length;
    if (total > limit) throw new HostError('EFBIG', 'read the answer', undefined, `more than ${limit} bytes`);
    chunks.push(bytes);
  }
  const whole = Buffer.concat(chunks, total);
  const body = new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength);
  return { status: answer.statusCode ?? 0, headers: headersOf(answer), body, ...server };
}

async function download(wanted: HttpDownload): Promise<HttpDownloaded> {
  const have = await sizeOf(wanted.path);
  const first = await fetchInto(wanted, have);
  // What is there is longer than the body, or not its beginning: once more from the start.
  return !first.complete && first.status === 416 && have > 0 ? fetchInto(wanted, 0) : first;
}

function fetchInto(wanted: HttpDownload, have: number): Promise<HttpDownloaded> {
  const { path, mode, admit, headers, ...rest } = wanted;
  const range: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
  return send({ ...rest, method: 'GET', headers: { ...headers, ...range } }, async (answer) => {
    const status = answer.statusCode ?? 0;
    const goesOn = status === 206 && have > 0 && startOf(answer) === have;
    if (status !== 200 && !goesOn) {
      answer.resume();
      return { complete: false, status, headers: headersOf(answer) };
    }
    const file = await openFile(path, goesOn ? 'r+' : 'w+', mode);
    try {
      return await append(answer, file, path, goesOn ? have : 0, admit);
    } finally {
      await file.close();
    }
  });
}

/** First byte that a partial answer brings. */
function startOf(answer: IncomingMessage): number | undefined {
  const found = /^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

async function append(
  answer: IncomingMessage,
  file: FileHandle,
  path: string,
  start: number,
  admit: (total: number) => Promise<boolean>,
): Promise<HttpDownloaded> {
  const hash = createHash('sha256');
  if (start > 0) {
    const before = file.createReadStream({ start: 0, end: start - 1, autoClose: false });
    for await (const chunk of before) hash.update(chunk as Buffer);
  }
  let size = start;
  for await (const chunk of answer) {
    const bytes: Buffer = chunk;
    if (!(await admit(size + bytes.length))) throw new HostError('EFBIG', 'write', path, 'the rest was refused');
    await writeAll(file, bytes, size, path);
    hash.update(bytes);
    size += bytes.length;
  }
  if (!answer.complete) throw new HostError('ECONNRESET', 'read the answer', undefined, 'the server went away');
  return { complete: true, size, sha256: hash.digest('hex') };
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number, path: string): Promise<void> {
  try {
    for (let written = 0; written < bytes.length; )
      written += (await file.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
  } catch (error) {
    throw hostError('write', path, error);
  }
}

async function openFile(path: string, flags: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, flags, mode);
  } catch (error) {
    throw hostError('open', path, error);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0;
    throw hostError('look at', path, error);
  }
}

const timedOut = ({ method, url, idleTimeout }: HttpCall) =>
  new HostError('ETIMEDOUT', `${method} ${url}`, undefined, `nothing came for ${idleTimeout} ms`);

/** Codes of TLS for certificates that are not trusted; all of them mean one thing to the device. */
const certificateCode = /CERT|ISSUER|SIGNATURE|ALTNAME|CRL/;

function failureOf({ method, url }: HttpCall, error: unknown): unknown {
  if (error instanceof HostError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'EPROTO';
  const known = certificateCode.test(code) ? 'ECERT' : /^(HPE_|ERR_)/.test(code) ? 'EPROTO' : code;
  return new HostError(known, `${method} ${url}`, undefined, error.message || code, { cause: error });
}
