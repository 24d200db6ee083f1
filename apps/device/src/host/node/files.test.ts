import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { testFiles } from '../testing/files.ts';
import { createFiles } from './files.ts';

testFiles('node', async () => {
  const directory = await mkdtemp(`${tmpdir()}/node-host-files-`);
  return { files: createFiles(), directory, dispose: () => rm(directory, { recursive: true, force: true }) };
});
