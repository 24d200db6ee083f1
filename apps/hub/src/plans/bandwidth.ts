import type { Db } from '../db/schema.ts';
import type { Writer } from '../db/writer.ts';

/** Counts bytes that were downloaded, by owner and calendar month (UTC); kept in memory and written every few seconds. */
export class Bandwidth {
  readonly #db: Db;
  readonly #writer: Writer;
  readonly #clock: () => number;
  #unwritten = new Map<string, number>();

  constructor(db: Db, writer: Writer, clock: () => number) {
    this.#db = db;
    this.#writer = writer;
    this.#clock = clock;
  }

  add(owner: string, bytes: number): void {
    this.#unwritten.set(owner, (this.#unwritten.get(owner) ?? 0) + bytes);
  }

  /** Bytes this month. */
  async used(owner: string): Promise<number> {
    const row = await this.#db
      .selectFrom('bandwidth')
      .select('bytes')
      .where('owner', '=', owner)
      .where('month', '=', this.#month())
      .executeTakeFirst();
    return (row?.bytes ?? 0) + (this.#unwritten.get(owner) ?? 0);
  }

  /** Writes what was counted since the last time. */
  async flush(): Promise<void> {
    const counted = this.#unwritten;
    if (counted.size === 0) return;
    this.#unwritten = new Map();
    const month = this.#month();
    await this.#writer.write(async (tx) => {
      for (const [owner, bytes] of counted)
        await tx
          .insertInto('bandwidth')
          .values({ owner, month, bytes })
          .onConflict((conflict) =>
            conflict.columns(['owner', 'month']).doUpdateSet((is) => ({ bytes: is('bandwidth.bytes', '+', bytes) })),
          )
          .execute();
    });
  }

  #month(): string {
    return new Date(this.#clock()).toISOString().slice(0, 7);
  }
}
