/** The mounts below the device's own directories: read once from the kernel, then kept by the only one who changes them. */
import { HostError, type Mounts } from '../host/ports.ts';

/**
 * Knows which of our mount points are in use, so that nothing is mounted twice and everything is found again after a restart
 * of the runtime. The kernel's table is the truth at start; afterwards this class is the only one to change it.
 */
export class MountLedger {
  readonly #mounts: Mounts;
  /** Oldest first. A path may be mounted over and then appears twice. */
  #targets: string[];

  private constructor(mounts: Mounts, targets: string[]) {
    this.#mounts = mounts;
    this.#targets = targets;
  }

  /** Takes over what is mounted below the given directories now. */
  static async read(mounts: Mounts, directories: readonly string[]): Promise<MountLedger> {
    const isOurs = (target: string) => directories.some((directory) => isBelow(target, directory));
    const targets = (await mounts.list()).map(({ target }) => target).filter(isOurs);
    return new MountLedger(mounts, targets);
  }

  has(target: string): boolean {
    return this.#targets.includes(target);
  }

  /** Mount points at or below a directory, oldest first. */
  below(directory: string): string[] {
    return this.#targets.filter((target) => isBelow(target, directory));
  }

  /** Performs a mount unless its target is mounted already; true when it was done now. */
  async mount(target: string, perform: () => Promise<void>): Promise<boolean> {
    if (this.has(target)) return false;
    await perform();
    this.#targets.push(target);
    return true;
  }

  /**
   * Unmounts a target; one that is no mount point any more is fine. What is still in use goes out of sight at once and is freed by the
   * kernel when its last user ends.
   */
  async unmount(target: string): Promise<void> {
    const index = this.#targets.lastIndexOf(target);
    if (index < 0) return;
    try {
      await this.#mounts.unmount(target);
    } catch (error) {
      const code = error instanceof HostError ? error.code : undefined;
      if (code === 'EBUSY') await this.#mounts.unmount(target, { detach: true });
      else if (code !== 'EINVAL' && code !== 'ENOENT') throw error;
    }
    this.#targets.splice(this.#targets.lastIndexOf(target), 1);
  }

  /** Unmounts everything at or below a directory, newest first; goes on after a failure and throws the first one at the end. */
  async unmountBelow(directory: string): Promise<void> {
    let first: unknown;
    for (const target of this.below(directory).reverse()) {
      try {
        await this.unmount(target);
      } catch (error) {
        first ??= error;
      }
    }
    if (first !== undefined) throw first;
  }
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
