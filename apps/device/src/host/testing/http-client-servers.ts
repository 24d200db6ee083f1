/** Servers with good and bad manners and certificates, for the conformance suite of the port `HttpClient`; for Node. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  request as httpRequest,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { HttpServers } from './http-client.ts';

const content = randomBytes(400_000);

/** Answers that do not end by themselves. */
const open = new Set<ServerResponse>();

const answer: RequestListener = async (request, response) => {
  const { method, url = '', headers } = request;
  // A proxy that speaks in a server's name gets the whole address.
  const path = url.replace(/^https?:\/\/[^/]+/, '').replace(/\?.*/, '');
  if (path === '/echo') {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    response.writeHead(201, { 'X-Answer': 'yes' });
    response.end(`${method} ${url} ${headers.host} ${headers['x-one']} ${headers['content-length']}\n${body}`);
  } else if (path === '/length') response.writeHead(200, { 'Content-Length': 6 }).end('answer');
  else if (path === '/chunked') {
    response.write('ans');
    response.end('wer');
  } else if (path === '/until-end') response.socket?.end('HTTP/1.1 200 OK\r\n\r\nanswer');
  else if (path === '/nothing') response.writeHead(204).end();
  else if (path === '/moved') response.writeHead(302, { Location: '/length' }).end();
  else if (path === '/cut') response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhal');
  else if (path === '/garbage') response.socket?.end('nonsense\r\n\r\n');
  else if (path === '/silent') response.socket?.once('close', () => {});
  else if (path === '/stream') {
    open.add(response);
    response.on('close', () => open.delete(response)).write('one');
  } else if (path === '/more' || path === '/end') {
    for (const one of open) path === '/end' ? one.end() : one.write('two');
    response.end();
  } else if (path === '/file') sendFile(headers.range, response);
  else if (path === '/file-without-ranges') response.end(content);
  else if (path === '/cut-file') {
    response.writeHead(200, { 'Content-Length': content.length });
    response.write(content.subarray(0, 150_000), () => response.socket?.end());
  } else response.writeHead(404).end('no');
};

/** A proxy that passes on what is for this machine, in the clear or in a tunnel, and refuses everything else. */
function createProxy(): Server {
  const proxy = createServer((request, response) => {
    const { method, url = '', headers } = request;
    if (!url.startsWith('http://localhost:')) return void response.writeHead(403).end();
    const passed = httpRequest(url, { method, headers, agent: false }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, { ...answered.headers, via: '1.1 proxy' });
      answered.pipe(response);
    });
    request.pipe(passed.on('error', () => response.destroy()));
  });
  proxy.on('connect', ({ url = '' }, socket) => {
    const port = /^localhost:(\d+)$/.exec(url)?.[1];
    if (port === undefined) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const there = connect(Number(port), 'localhost', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      there.pipe(socket).pipe(there);
    });
    there.on('error', () => socket.destroy());
    socket.on('error', () => there.destroy());
  });
  return proxy;
}

function sendFile(range: string | undefined, response: Parameters<RequestListener>[1]): void {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? -1);
  if (start < 0) response.writeHead(200, { 'Content-Length': content.length }).end(content);
  else if (start >= content.length) response.writeHead(416, { 'Content-Range': `bytes */${content.length}` }).end();
  else {
    const last = `${content.length - 1}/${content.length}`;
    response.writeHead(206, { 'Content-Range': `bytes ${start}-${last}`, 'Content-Length': content.length - start });
    response.end(content.subarray(start));
  }
}

interface Pair {
  key: string;
  cert: string;
}

/** Certificates as an authority makes them, by the program `openssl`. */
function makeCertificates(): Record<'good' | 'otherName' | 'expired' | 'stranger', Pair> & { authorities: string } {
  const directory = mkdtempSync(`${tmpdir()}/http-client-`);
  const openssl = (...argv: string[]) => execFileSync('openssl', argv, { cwd: directory, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const issue = (name: string, host: string, authority: string, ...days: string[]): Pair => {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${host}`);
    writeFileSync(`${directory}/${name}.ext`, `subjectAltName=DNS:${host}\n`);
    const signer = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-set_serial', '7'];
    const files = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`];
    openssl('x509', '-req', ...files, ...signer, ...days);
    const read = (end: string) => readFileSync(`${directory}/${name}.${end}`, 'utf8');
    return { key: read('key'), cert: read('pem') };
  };
  try {
    for (const name of ['authority', 'other'])
      openssl('req', '-x509', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`);
    return {
      good: issue('good', 'localhost', 'authority', '-days', '2'),
      otherName: issue('otherName', 'elsewhere.example', 'authority', '-days', '2'),
      expired: issue('expired', 'localhost', 'authority', '-days', '-1'),
      stranger: issue('stranger', 'localhost', 'other', '-days', '2'),
      authorities: readFileSync(`${directory}/authority.pem`, 'utf8'),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Listens, and stands still. */
const stillServer = `
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:worker_threads').parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

/** A port whose queue is full, so that the kernel drops every further call. */
async function startRinging(): Promise<{ port: number; close(): void }> {
  const worker = new Worker(stillServer, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  const callers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await Promise.all(callers.slice(0, 2).map((caller) => once(caller, 'connect')));
  const close = () => {
    for (const caller of callers) caller.destroy();
    void worker.terminate();
  };
  return { port, close };
}

/** Starts the servers on ports that are free. `close` hangs up on everybody. */
export async function startHttpServers(): Promise<{ servers: HttpServers; close(): void }> {
  const { authorities, ...pairs } = makeCertificates();
  const running: Server[] = [];
  const listen = async (server: Server): Promise<number> => {
    running.push(server.on('clientError', (_, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    server.listen(0, 'localhost');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const ports = {
    plain: await listen(createServer(answer)),
    good: await listen(createSecureServer(pairs.good, answer)),
    otherName: await listen(createSecureServer(pairs.otherName, answer)),
    expired: await listen(createSecureServer(pairs.expired, answer)),
    stranger: await listen(createSecureServer(pairs.stranger, answer)),
    proxy: await listen(createProxy()),
  };
  const unused = createServer();
  const nobody = await listen(unused);
  unused.close();
  await once(unused, 'close');
  const ringing = await startRinging();
  const file = { size: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  return {
    servers: { ...ports, nobody, ringing: ringing.port, authorities, file },
    close: () => {
      ringing.close();
      for (const server of running) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
