/** The program on Node. */
import { fileURLToPath } from 'node:url';
import { exitCodes } from './boot/exit-codes.ts';
import { createNodeHost } from './host/node/index.ts';
import { runProgram } from './program.ts';

const sleepy = ['--max-semi-space-size=1', '--v8-pool-size=1', '--no-opt'];

// As far below the checkout as the one file that set-up makes of the sources. For a process that mostly sleeps: a small nursery, no compiler.
const mesh = fileURLToPath(new URL('../../../apps/device-tools/src/pv-xconnect.ts', import.meta.url));
const host = createNodeHost({ mesh: [process.execPath, ...sleepy, mesh] });
// An error of the program itself ends it at once; containers go on, and the next runtime takes them over.
process.on('uncaughtException', (error) => {
  host.system.print('stderr', `pantavisor: internal error: ${error.stack ?? error.message}\n`);
  host.system.exit(exitCodes.internal.code);
});
host.system.exit(await runProgram(host));
