import type { Db, Tx } from './schema.ts';

type Work<T> = (tx: Tx) => Promise<T>;
interface Waiting {
  work: Work<unknown>;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

/** So many writes share one commit at most: a failure makes each of them run again alone. */
const largestGroup = 64;

/**
 * Group commit: writes that arrive while another commit is under way share the next one. A promise resolves only when its
 * write is durable. Work may run twice (when a neighbour in its group failed), always in a fresh transaction, so it must
 * not keep anything outside of the transaction.
 */
export class Writer {
  readonly #db: Db;
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Runs work in a transaction and resolves with its result after the commit. */
  write<T>(work: Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
      if (!this.#busy) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    // One turn of the event loop lets requests that arrived together share the first commit too.
    await new Promise((resume) => setImmediate(resume));
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, largestGroup);
      if (!(await this.#commit(group)) && group.length > 1) for (const one of group) await this.#commit([one]);
    }
    this.#busy = false;
  }

  async #commit(group: Waiting[]): Promise<boolean> {
    try {
      const results = await this.#db.transaction().execute(async (tx) => {
        const all: unknown[] = [];
        for (const { work } of group) all.push(await work(tx));
        return all;
      });
      for (const [index, { resolve }] of group.entries()) resolve(results[index]);
      return true;
    } catch (error) {
      if (group.length === 1) group[0]?.reject(error);
      return false;
    }
  }
}
