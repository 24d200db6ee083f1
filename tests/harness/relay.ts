/**
 * A relay before a hub, as a program: it makes every piece wait, hangs up in the middle of an answer, or answers itself that the hub has no time. The
 * test that has started it says what by messages, and hears of every request.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** What a relay is told; members that are missing stay as they are. */
export interface RelayOrders {
  /** Port of the hub on this machine. */
  hub: number;
  /** Milliseconds that each piece waits. */
  lag: number;
  /** Hangs up after so many bytes of an answer, once. */
  cutAfter: number;
  /** Answers 503 itself, and hangs up on those who are there. */
  busy: boolean;
}

/** What a relay tells. */
export type RelayNews = { port: number } | { request: string; range: string | undefined; busy: boolean };

const orders: RelayOrders = { hub: 0, lag: 0, cutAfter: Number.POSITIVE_INFINITY, busy: false };
const callers = new Set<Socket>();
const tell = (news: RelayNews) => process.send?.(news);

/** Never destroys who still waits for what lags. @param look says of each piece whether anything follows it */
async function pass(from: Socket, to: Socket, look: (piece: Buffer) => boolean): Promise<void> {
  try {
    for await (const piece of from) {
      const goesOn = look(piece);
      await wait(orders.lag);
      if (!to.writable) return;
      if (!to.write(piece)) await once(to, 'drain');
      if (goesOn) continue;
      to.destroySoon();
      from.destroy();
      return;
    }
    to.end();
  } catch {
    await wait(orders.lag);
    to.destroy();
  }
}

const busyAnswer = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

const server = createServer({ allowHalfOpen: true }, async (caller) => {
  callers.add(caller);
  caller.on('error', () => {}).on('close', () => callers.delete(caller));
  const { busy } = orders;
  const note = (head: string) => {
    const [request = ''] = head.split('\r\n', 1);
    const range = /^range: *(.*)$/im.exec(head)?.[1];
    tell({ request: request.replace(/ HTTP\/.*/, ''), range, busy });
  };
  if (busy) {
    caller.once('data', (piece) => {
      note(piece.toString('latin1'));
      caller.end(busyAnswer);
    });
    return;
  }
  const hub = connect({ host: '127.0.0.1', port: orders.hub, allowHalfOpen: true });
  hub.on('error', () => {});
  let isFirst = true;
  let answered = 0;
  void pass(caller, hub, (piece) => {
    if (isFirst) note(piece.toString('latin1'));
    isFirst = false;
    return true;
  });
  await pass(hub, caller, (piece) => {
    answered += piece.length;
    if (answered < orders.cutAfter) return true;
    orders.cutAfter = Number.POSITIVE_INFINITY;
    return false;
  });
});

process.on('message', (more: Partial<RelayOrders>) => {
  Object.assign(orders, more);
  if (more.busy) for (const caller of callers) caller.destroy();
});
process.on('disconnect', () => process.exit());
server.listen(0, '::', () => tell({ port: (server.address() as AddressInfo).port }));
