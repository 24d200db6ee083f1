/** `pantahub`: the hub and its commands. */
import { processTerminal } from '@pantavisor/cli';
import { runPantahub } from './commands/program.ts';

const stopped = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve());
  process.once('SIGINT', () => resolve());
});

process.exitCode = await runPantahub(process.argv.slice(2), processTerminal(), () => stopped);
