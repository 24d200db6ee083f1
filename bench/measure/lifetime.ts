/** What a benchmark makes is taken away at its end, as `tests/harness/cleanup.ts` does for tests. */
import { type Lifetime, temporaryDirectory } from '../../tests/harness/cleanup.ts';

export class BenchLifetime implements Lifetime {
  readonly name: string;
  readonly #undos: (() => void | Promise<void>)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  after(undo: () => void | Promise<void>): void {
    this.#undos.push(undo);
  }

  /** A temporary directory. */
  folder(): string {
    return temporaryDirectory(this);
  }

  /** Removes everything, the latest first. */
  async end(): Promise<void> {
    for (const undo of this.#undos.splice(0).reverse()) await undo();
  }
}
