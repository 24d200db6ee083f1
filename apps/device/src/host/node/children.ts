import { reapOrphans } from '@pantavisor/linux';

/**
 * The children that somebody waits for: libuv for the programs it started, the container runtime for LXC's monitors. All other ended
 * children of a subreaper are orphans, and nobody but the kernel would miss them.
 */
export class Children {
  readonly #awaited = new Set<number>();
  #holds = 0;
  #missed = false;

  /** From now on until `remove` the child is not reaped as an orphan. */
  add(pid: number): void {
    this.#awaited.add(pid);
  }

  remove(pid: number): void {
    this.#awaited.delete(pid);
  }

  /** Keeps all ended children as they are, while it is not yet known which of them somebody will wait for; the result ends that. */
  hold(): () => void {
    this.#holds += 1;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#holds -= 1;
      if (this.#holds === 0 && this.#missed) this.reap();
    };
  }

  /** Reaps the ended children that nobody waits for. */
  reap(): void {
    this.#missed = this.#holds > 0;
    if (!this.#missed) reapOrphans((pid) => this.#awaited.has(pid));
  }
}
