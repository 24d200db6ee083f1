/** Notes about running containers that outlive the runtime, so that the next one can take them over (architecture: adoption). */
import { type Files, HostError } from '../host/ports.ts';
import { makeDirectories } from '../volumes/directories.ts';

/** What cannot be learned from the kernel about a container that was found running, or was stopped by a person. */
export interface ContainerRecord {
  name: string;
  revision: string;
  /** Pid of init when the note was written; 0 for a container that a person stopped. */
  pid: number;
  /** Unix time in milliseconds. */
  startedAt: number;
  ready: boolean;
  userStopped: boolean;
  /** Address leased from a pool, `a.b.c.d`. */
  address?: string;
}

/**
 * Notes as small files, one a container, in a directory that is gone after a restart of the machine. Written under another name and
 * renamed: a reader never sees half a note. Not synced: they are of no use once the machine has been off.
 */
export class ContainerRecords {
  readonly #files: Files;
  readonly #directory: string;
  /** Last write of each note; the next one of the same name waits for it. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(files: Files, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  async open(): Promise<void> {
    await makeDirectories(this.#files, this.#directory, 0o700);
  }

  /** Every note that can be read; others are passed over, since they can only be halves of an older format. */
  async all(): Promise<ContainerRecord[]> {
    const records: ContainerRecord[] = [];
    for (const { name } of await this.#files.list(this.#directory)) {
      if (!name.endsWith('.json')) continue;
      const record = parseRecord(await this.#files.readText(`${this.#directory}/${name}`, 64 * 1024));
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  /** Writes or replaces the note of a container. */
  put(record: ContainerRecord): Promise<void> {
    return this.#after(record.name, async () => {
      const path = this.#path(record.name);
      await this.#files.write(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
      await this.#files.rename(`${path}.new`, path);
    });
  }

  /** Removes the note of a container; none there is fine. */
  remove(name: string): Promise<void> {
    return this.#after(name, async () => {
      try {
        await this.#files.unlink(this.#path(name));
      } catch (error) {
        if (!(error instanceof HostError) || error.code !== 'ENOENT') throw error;
      }
    });
  }

  /** Waits until every write and removal has come to its end. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#writing.values());
  }

  #path(name: string): string {
    return `${this.#directory}/${name}.json`;
  }

  #after(name: string, work: () => Promise<void>): Promise<void> {
    const next = (this.#writing.get(name) ?? Promise.resolve()).catch(() => undefined).then(work);
    this.#writing.set(name, next);
    return next;
  }
}

function parseRecord(text: string): ContainerRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { name, revision, pid, startedAt, ready, userStopped, address } = value as Partial<ContainerRecord>;
  if (typeof name !== 'string' || typeof revision !== 'string') return undefined;
  if (typeof pid !== 'number' || typeof startedAt !== 'number') return undefined;
  return {
    name,
    revision,
    pid,
    startedAt,
    ready: ready === true,
    userStopped: userStopped === true,
    ...(typeof address === 'string' ? { address } : {}),
  };
}
