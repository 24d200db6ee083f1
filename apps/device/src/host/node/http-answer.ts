/** Responses on Node: the framing that clients of the original know, and files streamed with constant memory (control.md §1). */
import { type FileHandle, open } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { HttpResponse } from '../ports.ts';
import { drainBody, hostError, stalling } from './http-body.ts';

/** Bytes of a file that are read and written at once. */
const pieceBytes = 512 * 1024;

/** Answer of last resort, when the handler failed or a file cannot be opened. */
export const internalError: HttpResponse = {
  status: 500,
  headers: { 'Content-Type': 'application/json' },
  body: '{"Error":"Internal Error"}',
};

/** The header of a response to one request; undefined length means that the end of the connection ends the body. */
function writeHead(
  message: IncomingMessage,
  reply: ServerResponse,
  response: HttpResponse,
  length: number | undefined,
  close: boolean,
): void {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(response.headers ?? {})) fields.push(name, value);
  const persistent = reply.shouldKeepAlive && !close;
  reply.sendDate = false;
  reply.shouldKeepAlive = persistent;
  // Clients of the original never saw a Connection header on a connection that stays; HTTP/1.0 ones expect one if they asked.
  reply.removeHeader('connection');
  if (message.httpVersion === '1.0') {
    if (persistent) fields.push('Connection', 'keep-alive');
  } else {
    fields.push('Date', new Date().toUTCString());
    if (!persistent) fields.push('Connection', 'close');
  }
  if (length !== undefined && (persistent || message.httpVersion !== '1.0'))
    fields.push('Content-Length', String(length));
  reply.writeHead(response.status, response.reason ?? STATUS_CODES[response.status] ?? 'Unknown', fields);
}

/** Statuses that have no body, whatever the handler gave (RFC 9110 §6.4.1). */
const isBodyless = (status: number) => status === 204 || status === 304;

/** `close` ends the connection after the response; `drain` is how long, in ms, the client may keep still while its unread body is drained. */
export interface SendOptions {
  close: boolean;
  drain: number;
}

/**
 * Sends the one response to a request and resolves when it is handed over and the unread rest of the request's
 * body has been thrown away: a client that first sends everything and then reads still gets its answer.
 */
export async function sendResponse(
  message: IncomingMessage,
  reply: ServerResponse,
  response: HttpResponse,
  options: SendOptions,
): Promise<void> {
  const { body } = response;
  const isFile = typeof body === 'object' && 'file' in body;
  if (isFile && !isBodyless(response.status)) return sendFile(message, reply, response, body.file, options);
  const content = body === undefined || isFile || isBodyless(response.status) ? '' : body;
  const length = isBodyless(response.status) ? undefined : Buffer.byteLength(content);
  writeHead(message, reply, response, length, options.close);
  if (message.complete) {
    reply.end(content);
    return;
  }
  reply.write(content);
  reply.flushHeaders();
  await stalling(message.socket, options.drain, () => drainBody(message));
  reply.end();
}

async function sendFile(
  message: IncomingMessage,
  reply: ServerResponse,
  response: HttpResponse,
  path: string,
  options: SendOptions,
): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size } = await file.stat();
    writeHead(message, reply, response, size, options.close);
    const opened = file;
    await stalling(message.socket, options.drain, async () => {
      if (message.method !== 'HEAD') await writeFile(reply, opened, size, path);
      await drainBody(message);
    });
    reply.end();
  } catch (error) {
    if (!reply.headersSent) return sendResponse(message, reply, internalError, options);
    // The header is out: only a broken connection tells the client that the file is not whole.
    message.socket.destroy();
    throw hostError('send', path, error);
  } finally {
    await file?.close();
  }
}

async function writeFile(reply: ServerResponse, file: FileHandle, size: number, path: string): Promise<void> {
  // Two buffers in turn: one is read into while the socket takes the other.
  const buffers = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  let taken: Promise<void> = Promise.resolve();
  for (let position = 0, turn = 0; position < size; turn += 1) {
    const buffer = buffers[turn % 2]!;
    const { bytesRead } = await file.read(buffer, 0, Math.min(pieceBytes, size - position), position);
    if (bytesRead === 0) throw new Error(`${path} became shorter while it was sent`);
    position += bytesRead;
    await taken;
    const piece = buffer.subarray(0, bytesRead);
    taken = new Promise((resolve, reject) => {
      reply.write(piece, (error) => (error ? reject(error) : resolve()));
    });
    taken.catch(() => {});
  }
  await taken;
}
