/** Names that complete arguments: apps of the repository, signatures, remembered repositories. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CandidateSource } from '@pantavisor/cli';
import { Repository } from '../repository/repository.ts';

/** Never fails: without a repository there are simply no names. */
export function candidateSource(directory: string): CandidateSource {
  const finders: Readonly<Record<string, (repository: Repository) => (readonly [string, string])[]>> = {
    app: ({ root }) =>
      readdirSync(root, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'src.json')))
        .map(({ name }) => [name, 'app'] as const),
    part: (repository) =>
      [...new Set([...repository.readState().values.keys()].map((key) => key.split('/')[0]!))].map(
        (name) => [name, 'part'] as const,
      ),
    signature: (repository) =>
      [...repository.readState().values.keys()]
        .filter((key) => key.startsWith('_sigs/'))
        .map((key) => [key.slice(6).replace(/\.json$/, ''), key] as const),
    reference: ({ config }) =>
      [...new Set([config.DefaultGetUrl, config.DefaultPutUrl, config.DefaultPostUrl])]
        .filter((url) => url !== '')
        .map((url) => [url, 'used before'] as const),
  };
  return async (kind) => {
    try {
      return finders[kind]?.(Repository.open(directory)) ?? [];
    } catch {
      return [];
    }
  };
}
