/** `.pvr/config`: where a repository gets from and posts to, and where its objects lie (pvr §1.1). */
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { replaceFile } from './durable.ts';

export interface RepositoryConfig {
  DefaultGetUrl: string;
  DefaultPutUrl: string;
  DefaultPostUrl: string;
  /** Absolute, or relative to the directory that holds `.pvr`; empty for `.pvr/objects`. */
  ObjectsDir: string;
  AccessTokens: Record<string, unknown>;
  RefreshTokens: Record<string, unknown>;
}

export const emptyConfig: Readonly<RepositoryConfig> = {
  DefaultGetUrl: '',
  DefaultPutUrl: '',
  DefaultPostUrl: '',
  ObjectsDir: '',
  AccessTokens: {},
  RefreshTokens: {},
};

/** Reads a config file; one that is missing counts as empty. @throws Failure `config-invalid` */
export function readConfig(path: string): RepositoryConfig {
  if (!existsSync(path)) return { ...emptyConfig };
  try {
    return { ...emptyConfig, ...(JSON.parse(readFileSync(path, 'utf8')) as Partial<RepositoryConfig>) };
  } catch (cause) {
    throw new Failure('config-invalid', `cannot read ${path}: ${(cause as Error).message}`, { cause, exitCode: 2 });
  }
}

export function writeConfig(path: string, config: RepositoryConfig): void {
  replaceFile(path, JSON.stringify(config, null, '\t'));
}

/**
 * The directory of the objects.
 * @param root directory that holds the `.pvr`, or the parent of an unpacked export
 * @param own the repository's own directory, e.g. `<root>/.pvr`
 */
export function objectsDirectory({ ObjectsDir }: RepositoryConfig, root: string, own: string): string {
  if (ObjectsDir === '') return join(own, 'objects');
  return isAbsolute(ObjectsDir) ? ObjectsDir : resolve(root, ObjectsDir);
}
