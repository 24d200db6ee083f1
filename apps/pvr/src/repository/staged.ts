/** `.pvr/new`: what was added since the last commit. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { Failure } from '@pantavisor/cli';
import { canonicalValue } from '@pantavisor/state';
import { replaceFile } from './durable.ts';

export interface StagedFile {
  /** Keep a `.json` file as an object instead of inlining it. */
  ForceObject: boolean;
  /** SHA-256 when it was added. */
  Sha: string;
}

export type Staged = Map<string, StagedFile>;

/** @throws Failure `staged-invalid` */
export function readStaged(path: string): Staged {
  if (!existsSync(path)) return new Map();
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, StagedFile>));
  } catch (cause) {
    throw new Failure('staged-invalid', `cannot read ${path}: ${(cause as Error).message}`, {
      cause,
      hint: 'remove the file and add your files again',
    });
  }
}

export function writeStaged(path: string, staged: Staged): void {
  if (staged.size === 0) rmSync(path, { force: true });
  else replaceFile(path, canonicalValue(Object.fromEntries(staged)));
}
