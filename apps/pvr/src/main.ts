/** `pvr`: the developer's command line. */
import { processTerminal } from '@pantavisor/cli';
import { runPvr } from './program.ts';

runPvr(process.argv.slice(2), processTerminal(), process.cwd()).then((code) => {
  process.exitCode = code;
});
