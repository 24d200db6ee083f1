/** A load generator over raw sockets: it must cost less than what it measures. */
import { createConnection, type Socket } from 'node:net';
import { quantile } from './table.ts';

export interface LoadResult {
  perSecond: number;
  /** milliseconds */
  p50: number;
  p99: number;
  /** answers by status */
  statuses: Record<number, number>;
}

export interface LoadOptions {
  port: number;
  /** complete request texts, taken in turn */
  requests: (index: number) => string | Buffer;
  connections: number;
  /** how many answers to wait for */
  total: number;
  /** answers before the clock starts */
  warmUp?: number;
}

/** Formats a request as it goes over the wire. */
export function requestText(method: string, path: string, token?: string, body?: unknown): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    'User-Agent: bench',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(text === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}

/** Keeps connections busy, each with one request after the other, until enough answers have come. */
export async function loadHttp({
  port,
  requests,
  connections,
  total,
  warmUp = Math.ceil(total / 10),
}: LoadOptions): Promise<LoadResult> {
  const latencies: number[] = [];
  const statuses: Record<number, number> = {};
  let sent = 0;
  let answered = 0;
  let begin = performance.now();
  const client = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = createConnection(port, '127.0.0.1');
      socket.setNoDelay(true);
      let asked = 0;
      const next = () => {
        if (sent >= total + warmUp) {
          socket.destroy();
          resolve();
          return;
        }
        asked = performance.now();
        socket.write(requests(sent));
        sent += 1;
      };
      onAnswer(socket, (status) => {
        answered += 1;
        if (answered === warmUp) begin = performance.now();
        if (answered > warmUp) latencies.push(performance.now() - asked);
        statuses[status] = (statuses[status] ?? 0) + 1;
        next();
      });
      socket.once('connect', next);
      socket.once('error', reject);
      socket.once('end', () => reject(new Error('the server closed a connection')));
    });
  await Promise.all(Array.from({ length: connections }, client));
  const seconds = (performance.now() - begin) / 1000;
  return {
    perSecond: latencies.length / seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    statuses,
  };
}

/** Calls back for every complete answer; they must have Content-Length. */
function onAnswer(socket: Socket, answer: (status: number) => void): void {
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => {
    rest += piece;
    for (;;) {
      const head = rest.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, head))?.[1] ?? 0);
      const end = head + 4 + length;
      if (rest.length < end) return;
      const status = Number(rest.slice(9, 12));
      rest = rest.slice(end);
      answer(status);
    }
  });
}
