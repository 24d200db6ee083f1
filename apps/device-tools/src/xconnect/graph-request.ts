/** Asks the runtime for the graph: one request over the control socket (xconnect.md §4). */
import type { Interest, MeshHost } from '../host/mesh-ports.ts';
import { joined, latinText, nothing } from './filter.ts';

/** Longest answer, and how long it may take in milliseconds. */
const mostBytes = 4 * 1024 * 1024;
const patience = 4_000;
const request = 'GET /xconnect-graph HTTP/1.0\r\nHost: localhost\r\n\r\n';

/** @throws Error with the reason why there is no graph */
export async function requestGraph(host: MeshHost, socketPath: string): Promise<unknown> {
  const answer = await exchange(host, host.sockets.connectPath(socketPath));
  const end = headEnd(answer);
  const status = /^HTTP\/1\.\d (\d{3})/.exec(latinText(answer.subarray(0, 16)))?.[1];
  if (end === undefined || status !== '200') throw new Error(`the runtime answers ${status ?? 'nothing'}`);
  return JSON.parse(host.decode(answer.subarray(end)));
}

/** Position behind the empty line. */
function headEnd(bytes: Uint8Array): number | undefined {
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1))
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3;
  return undefined;
}

/** Sends the request and reads until the end. Small enough to fit into the socket at once. */
function exchange({ sockets, after, encode }: MeshHost, socket: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let answer: Uint8Array = nothing;
    const end = (error?: Error) => {
      cancel();
      sockets.close(socket);
      if (error === undefined) resolve(answer);
      else reject(error);
    };
    const cancel = after(patience, () => end(new Error('the runtime does not answer')));
    const read = (_: Interest) => {
      try {
        const received = sockets.receive(socket, false);
        if (received === undefined) return;
        answer = joined(answer, received.bytes);
        if (received.bytes.length === 0) end();
        else if (answer.length > mostBytes) end(new Error('the graph is too large'));
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)));
      }
    };
    try {
      sockets.send(socket, encode(request), []);
      sockets.watch(socket, { read: true, write: false }, read);
    } catch (error) {
      end(error instanceof Error ? error : new Error(String(error)));
    }
  });
}
