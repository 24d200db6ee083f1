/** The program on Node. */
import { exitCodes } from './boot/exit-codes.ts';
import { createNodeHost } from './host/node/index.ts';
import { runProgram } from './program.ts';

const host = createNodeHost();
// An error of the program itself ends it at once; containers go on, and the next runtime takes them over.
process.on('uncaughtException', (error) => {
  host.system.print('stderr', `pantavisor: internal error: ${error.stack ?? error.message}\n`);
  host.system.exit(exitCodes.internal.code);
});
host.system.exit(await runProgram(host));
