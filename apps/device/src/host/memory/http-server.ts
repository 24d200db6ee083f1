/** The port `Http` on the simulated machine: requests are calls, bodies come in pieces, connections do not exist. */
import { type Files, HostError, type Http, type HttpRequest, type HttpResponse, type Peer } from '../ports.ts';
import type { Gate } from './gate.ts';
import type { Machine } from './machine.ts';
import { encodeUtf8 } from './utf8.ts';

/** sun_path holds 108 bytes with the final zero (unix(7)). */
const longestSocketPath = 107;

export interface MemoryServer {
  handler: (request: HttpRequest) => Promise<HttpResponse | undefined>;
  files: Files;
}

/** A request from outside. `body` in several pieces arrives piece by piece. */
export interface MemoryRequest {
  method: string;
  target: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array | (string | Uint8Array)[];
  /** Default: a process of the host, uid 0. */
  peer?: Peer;
}

export interface MemoryResponse {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

export function memoryHttp(machine: Machine, gate: Gate, files: Files): Http {
  return {
    serve: ({ socketPath, mode, handler }) =>
      gate(async () => {
        if (encodeUtf8(socketPath).length > longestSocketPath)
          throw new HostError('ENAMETOOLONG', 'listen on', socketPath, `longer than ${longestSocketPath} bytes`);
        const place = machine.names.walk(socketPath, 'listen on', false);
        const { fileSystem } = place.mount;
        if (place.found === undefined)
          fileSystem.make(place.directory, place.name, 'socket', mode, machine.timeline.wall());
        const server: MemoryServer = { handler, files };
        machine.servers.set(socketPath, server);
        return {
          close: () =>
            gate(() => {
              if (machine.servers.get(socketPath) !== server) return;
              machine.servers.delete(socketPath);
              fileSystem.remove(place.directory, place.name, machine.timeline.wall());
            }),
        };
      }),
  };
}

function pieces(body: MemoryRequest['body']): Uint8Array[] {
  if (body === undefined) return [];
  return (Array.isArray(body) ? body : [body]).map((part) => (typeof part === 'string' ? encodeUtf8(part) : part));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Writes a body to a file as it comes; nothing stays of one that is refused or fails. */
async function saveTo(
  files: Files,
  body: readonly Uint8Array[],
  path: string,
  mode: number,
  admit: (total: number) => Promise<boolean>,
): Promise<{ size: number; sha256: string }> {
  let size = 0;
  try {
    await files.write(path, '', { mode });
    for (const piece of body) {
      size += piece.length;
      if (!(await admit(size))) throw new HostError('EFBIG', 'save body', path, `refused at ${size} bytes`);
      await files.append(path, piece);
    }
    return { size, sha256: await files.digest(path) };
  } catch (error) {
    await files.unlink(path).catch(() => undefined);
    throw error;
  }
}

/**
 * Sends a request to whoever serves the socket.
 * @returns the answer, or undefined when the server closes without one
 * Fails with ECONNREFUSED when nobody serves the path.
 */
export async function sendMemoryRequest(
  machine: Machine,
  socketPath: string,
  request: MemoryRequest,
): Promise<MemoryResponse | undefined> {
  const server = machine.servers.get(socketPath);
  if (server === undefined) throw new HostError('ECONNREFUSED', 'connect to', socketPath);
  const body = pieces(request.body);
  const { files } = server;
  const announced = request.headers?.['content-length'];
  const chunked = request.headers?.['transfer-encoding'] !== undefined || request.body === undefined;
  const total = body.reduce((sum, part) => sum + part.length, 0);
  const response = await server.handler({
    method: request.method,
    target: request.target,
    version: '1.1',
    headers: { host: 'localhost', ...request.headers },
    peer: request.peer ?? { pid: 1, uid: 0, gid: 0 },
    contentLength: announced === undefined ? (chunked ? undefined : total) : Number(announced),
    readBody: async (limit) => {
      if (total > limit) throw new HostError('EFBIG', 'read body', undefined, `larger than ${limit} bytes`);
      return join(body);
    },
    saveBody: (path, mode, admit = async () => true) => saveTo(files, body, path, mode, admit),
  });
  if (response === undefined) return undefined;
  const content = response.body ?? '';
  let bytes: Uint8Array;
  if (typeof content === 'string') bytes = encodeUtf8(content);
  else bytes = content instanceof Uint8Array ? content : await files.read(content.file);
  return { status: response.status, headers: response.headers ?? {}, body: bytes };
}
