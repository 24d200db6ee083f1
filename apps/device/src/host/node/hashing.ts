import { hash } from 'node:crypto';
import type { Hashing } from '../ports.ts';

/** Hashes of small data; content of files is hashed by `Files.digest`. */
export function createHashing(): Hashing {
  return { sha256: (data) => hash('sha256', data, 'hex') };
}
