/**
 * The children that somebody waits for: the starter of a program, the container runtime for LXC's monitors. All other ended children of a
 * subreaper are orphans, and nobody but the kernel would miss them.
 */
export class AwaitedChildren {
  readonly #awaited = new Set<number>();
  readonly #reapOthers: (isAwaited: (pid: number) => boolean) => void;
  #holds = 0;
  #missed = false;

  /** @param reapOthers reaps the ended children that are not awaited, without blocking */
  constructor(reapOthers: (isAwaited: (pid: number) => boolean) => void) {
    this.#reapOthers = reapOthers;
  }

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
      if (this.#holds === 0 && this.#missed) this.reapOrphans();
    };
  }

  /** Reaps the ended children that nobody waits for; those of a hold when that ends. */
  reapOrphans(): void {
    this.#missed = this.#holds > 0;
    if (!this.#missed) this.#reapOthers((pid) => this.#awaited.has(pid));
  }
}
