/** The pool of objects: files named by the SHA-256 of their content, shared by all repositories of a user. */
import {
  chmodSync,
  constants,
  mkdirSync,
  promises,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { flushFiles, syncDirectory } from './durable.ts';
import { digest, eachParallel, sha256, sha256File, smallBytes } from './hashing.ts';
import { makeScratch, removeScratch } from './scratch.ts';
import { isSha } from './values.ts';

/** Objects that are flushed together before they get their names. */
const batchSize = 2048;
const wholeBytes = 16 * 1024 * 1024;
const parallel = 6;
/** Objects and files of the working tree belong to nobody in particular. */
const fileMode = 0o644;

/** One object to bring into the pool. */
export interface Incoming {
  sha: string;
  /** Makes the content appear in the file of the given path. */
  fill(path: string): Promise<void>;
  /** Whether `fill` proves that the content is that of `sha`; otherwise the pool hashes what it got. */
  proven?: boolean;
}

export class ObjectPool {
  readonly directory: string;
  #counter = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  pathOf(sha: string): string {
    if (!isSha(sha))
      throw new Failure('object-name', `cannot use ${JSON.stringify(sha)} as an object: it is no SHA-256`);
    return `${this.directory}/${sha}`;
  }

  has(sha: string): boolean {
    return this.#find(sha) !== undefined;
  }

  /** Whether the pool has an object of this size. */
  hasOfSize(sha: string, size: number): boolean {
    return this.#find(sha)?.size === size;
  }

  #find(sha: string): Stats | undefined {
    const found = statSync(this.pathOf(sha), { throwIfNoEntry: false });
    return found?.isFile() ? found : undefined;
  }

  /** Bytes of an object. @throws Failure `object-missing` */
  sizeOf(sha: string, key?: string): number {
    return this.#get(sha, key).size;
  }

  #get(sha: string, key: string | undefined): Stats {
    const found = this.#find(sha);
    if (!found) throw missing(sha, this.directory, key);
    return found;
  }

  /** Hashes an object again. False when it is missing or damaged. */
  async isIntact(sha: string): Promise<boolean> {
    const found = this.#find(sha);
    return found !== undefined && (await sha256File(this.pathOf(sha), found.size)) === sha;
  }

  /**
   * Adds objects: each is written beside, flushed and then renamed, so that an object of the pool is always whole. When
   * this returns, all survive a loss of power. Objects that are there already are replaced.
   * @throws Failure `object-mismatch` when the content is another one; that object is not kept
   */
  async add(incoming: Iterable<Incoming>): Promise<void> {
    mkdirSync(this.directory, { recursive: true });
    const batch: Incoming[] = [];
    let scratch: readonly string[] | undefined;
    try {
      for (const object of incoming) {
        batch.push(object);
        scratch ??= makeScratch(this.directory);
        if (batch.length === batchSize) await this.#addBatch(batch.splice(0), scratch);
      }
      if (scratch) await this.#addBatch(batch, scratch);
    } finally {
      if (scratch) removeScratch(this.directory, scratch);
    }
  }

  async #addBatch(batch: readonly Incoming[], scratch: readonly string[]): Promise<void> {
    if (batch.length === 0) return;
    const filled: { temporary: string; path: string }[] = [];
    try {
      await eachParallel(batch, parallel, async ({ sha, fill, proven }) => {
        this.#counter += 1;
        const path = this.pathOf(sha);
        const temporary = `${scratch[this.#counter % scratch.length]}/${sha}-${this.#counter}`;
        filled.push({ temporary, path });
        await fill(temporary);
        if (proven) return;
        const found = await sha256File(temporary, statSync(temporary).size);
        if (found !== sha)
          throw new Failure('object-mismatch', `cannot take the object ${sha}: its content has the SHA-256 ${found}`);
      });
      await flushFiles(
        this.directory,
        filled.map(({ temporary }) => temporary),
      );
      for (const { temporary, path } of filled) renameSync(temporary, path);
      syncDirectory(this.directory);
    } catch (error) {
      for (const { temporary } of filled) rmSync(temporary, { force: true });
      throw error;
    }
  }

  /**
   * Copies an object to a file and checks its content on the way. The file appears whole or not at all.
   * @throws Failure `object-missing`, `object-damaged`
   */
  async copyTo(sha: string, target: string, key: string): Promise<void> {
    const source = this.pathOf(sha);
    const { size, mode } = this.#get(sha, key);
    const temporary = `${target}.${process.pid}.new`;
    try {
      let found: string;
      if (size <= smallBytes) {
        // For thousands of small files the way through the thread pool would take longer than the work.
        const bytes = readFileSync(source);
        found = sha256(bytes);
        if (found === sha) writeFileSync(temporary, bytes, { mode: fileMode });
      } else if (size <= wholeBytes) {
        // The thread pool hashes while this thread reads and writes; the file gets its name only when both agree.
        const bytes = readFileSync(source);
        const hashing = digest(bytes);
        writeFileSync(temporary, bytes, { mode: fileMode });
        found = await hashing;
      } else {
        await promises.copyFile(source, temporary, constants.COPYFILE_FICLONE);
        found = await sha256File(temporary, size);
      }
      if (found !== sha) throw damaged(sha, this.directory, key, found);
      // An object that is linked into a tree is read-only; a copy of it is not.
      if ((mode & 0o777) !== fileMode) chmodSync(temporary, fileMode);
      renameSync(temporary, target);
    } catch (error) {
      await promises.rm(temporary, { force: true });
      throw error;
    }
  }

  /**
   * Puts a hard link of an object in the place of a file. Pool and file must share a file system.
   * @throws Failure `object-missing`, `object-damaged`, `link-failed`
   */
  async linkTo(sha: string, target: string, key: string): Promise<void> {
    const size = this.sizeOf(sha, key);
    const found = await sha256File(this.pathOf(sha), size);
    if (found !== sha) throw damaged(sha, this.directory, key, found);
    const temporary = `${target}.${process.pid}.new`;
    await promises.rm(temporary, { force: true });
    try {
      await promises.link(this.pathOf(sha), temporary);
      renameSync(temporary, target);
      // A rename between two links of one file does nothing and leaves both names.
      await promises.rm(temporary, { force: true });
    } catch (cause) {
      await promises.rm(temporary, { force: true });
      throw new Failure('link-failed', `cannot link ${target} to the object ${sha}: ${(cause as Error).message}`, {
        cause,
        hint: `the pool ${this.directory} and the working tree must lie on one file system`,
      });
    }
  }
}

function missing(sha: string, directory: string, key: string | undefined): Failure {
  return new Failure(
    'object-missing',
    `cannot find the object ${sha}${key === undefined ? '' : ` of ${key}`} in ${directory}`,
    {
      hint: 'fetch it again with pvr get, or add and commit the file once more',
    },
  );
}

function damaged(sha: string, directory: string, key: string, found: string): Failure {
  return new Failure('object-damaged', `cannot use the object ${sha} of ${key}: its content has the SHA-256 ${found}`, {
    hint: `remove ${join(directory, sha)} and fetch it again`,
  });
}
