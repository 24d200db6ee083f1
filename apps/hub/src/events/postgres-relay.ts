import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { BusEvent, EventBus, Relay } from './bus.ts';

const channel = 'pantahub_events';
/** PostgreSQL refuses longer payloads (NOTIFY, 8000 bytes). */
const longest = 7900;

/**
 * Events between replicas over LISTEN/NOTIFY. While the connection is down nothing is heard, so its loss and its return
 * both tell a `gap`: caches are emptied and subscribers read again.
 */
export class PostgresRelay implements Relay {
  readonly #url: string;
  readonly #pool: pg.Pool;
  readonly #bus: EventBus;
  readonly #self = randomUUID();
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(url: string, pool: pg.Pool, bus: EventBus) {
    this.#url = url;
    this.#pool = pool;
    this.#bus = bus;
  }

  /** Connects; later losses are repaired by itself. */
  async start(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url });
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ payload }) => this.#hear(payload ?? ''));
    await client.connect();
    await client.query(`listen ${channel}`);
    this.#client = client;
  }

  send(event: BusEvent): void {
    const { entries: _, ...small } = event as BusEvent & { entries?: unknown };
    let payload = JSON.stringify({ from: this.#self, event: small });
    if (Buffer.byteLength(payload) > longest) {
      const { progress: __, ...smaller } = small as { progress?: unknown };
      payload = JSON.stringify({ from: this.#self, event: smaller });
    }
    this.#pool.query('select pg_notify($1, $2)', [channel, payload]).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#client?.end().catch(() => undefined);
  }

  #hear(payload: string): void {
    const { from, event } = JSON.parse(payload) as { from: string; event: BusEvent };
    if (from !== this.#self) this.#bus.tellHere(event);
  }

  #lost(client: pg.Client): void {
    if (this.#closed || this.#client !== client) return;
    this.#client = undefined;
    this.#bus.deaf = true;
    this.#bus.tellHere({ kind: 'gap' });
    this.#reconnect();
  }

  #reconnect(): void {
    this.#retry = setTimeout(() => {
      this.start().then(
        () => {
          this.#bus.deaf = false;
          this.#bus.tellHere({ kind: 'gap' });
        },
        () => this.#reconnect(),
      );
    }, 1000);
  }
}
