/** `pv-image`: bootable disk images of devices. */
import { processTerminal } from '@pantavisor/cli';
import { runPvImage } from './program.ts';

runPvImage(process.argv.slice(2), processTerminal(), process.cwd()).then((code) => {
  process.exitCode = code;
});
