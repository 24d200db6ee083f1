import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testWatchdogs } from '../testing/watchdogs.ts';
import { createFiles } from './files.ts';
import { createWatchdogs } from './watchdog.ts';

// The machine's own watchdog is not tried: whoever lets go of it is reset.
testWatchdogs('Node', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'watchdogs-'));
  return {
    watchdogs: createWatchdogs(),
    files: createFiles(),
    directory,
    dispose: () => rm(directory, { recursive: true }),
  };
});
