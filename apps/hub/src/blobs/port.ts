import type { Readable } from 'node:stream';

/** What the hub wants of a place for the contents of objects. Keys are storage ids, 64 hex digits. */
export interface BlobStore {
  /** Size in bytes, or undefined when there is no such blob. */
  size(key: string): Promise<number | undefined>;
  /**
   * Stores a blob; it appears under its key whole and durable, or not at all.
   * @throws Failure wrong-content when length or SHA-256 differ, storage-full
   */
  put(key: string, content: Readable, expected: { size: number; sha: string }): Promise<void>;
  /** @param range first and last byte, both inclusive @returns undefined when there is no such blob */
  get(
    key: string,
    range?: { start: number; end: number },
  ): Promise<{ stream: Readable; size: number; modified: number } | undefined>;
  /** Removes a blob; a missing one is fine. */
  remove(key: string): Promise<void>;
  /** Every stored key with the time of its last change in milliseconds. */
  list(): AsyncIterable<{ key: string; modified: number }>;
  /** Removes what interrupted uploads left behind. */
  tidy(olderThan: number): Promise<number>;
}
