import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testGzip } from '../testing/gzip.ts';
import { createFiles } from './files.ts';
import { createStreams } from './streams.ts';

testGzip('Node', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gzip-'));
  return {
    streams: createStreams(),
    files: createFiles(),
    directory,
    unpack: async (path) => execFileSync('gzip', ['-dc', path], { encoding: 'utf8' }),
    dispose: () => rm(directory, { recursive: true }),
  };
});
