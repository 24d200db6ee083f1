import { Worker } from 'node:worker_threads';

/** A question to the database, as Kysely compiles it. */
export interface ReadQuery {
  sql: string;
  parameters: readonly unknown[];
}

/** What the thread answers. */
export interface ReadAnswer {
  id: number;
  rows?: unknown[];
  error?: string;
}

interface Waiting {
  resolve(rows: unknown[]): void;
  reject(error: Error): void;
}

/**
 * Reads a SQLite file in a thread of its own, over a connection that cannot write: what looks at very many rows would otherwise hold
 * up every other request, because SQLite answers at once or not at all. It sees whatever was committed before it was asked. The
 * thread begins with the first question; questions are answered one after the other.
 */
export class SideReader {
  readonly #file: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #next = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** @returns the rows @throws Error "cannot read …" with what SQLite says, or when the thread ended */
  read<Row>({ sql, parameters }: ReadQuery): Promise<Row[]> {
    const worker = this.#worker ?? this.#begin();
    const id = this.#next;
    this.#next += 1;
    return new Promise<unknown[]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // The process stays for an answer, not for the thread.
      worker.ref();
      worker.postMessage({ id, sql, parameters });
    }) as Promise<Row[]>;
  }

  /** Ends the thread; questions without an answer are refused. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./reader-thread.ts', import.meta.url), { workerData: this.#file });
    let why = 'the database is closed';
    worker.on('message', ({ id, rows, error }: ReadAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      if (rows === undefined) waiting?.reject(new Error(`cannot read the database: ${error}`));
      else waiting?.resolve(rows);
    });
    worker.on('error', (error) => {
      why = error instanceof Error ? error.message : String(error);
    });
    // The next question begins another thread.
    worker.on('exit', () => {
      this.#worker = undefined;
      const refused = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { reject } of refused) reject(new Error(`cannot read the database: ${why}`));
    });
    this.#worker = worker;
    return worker;
  }
}
