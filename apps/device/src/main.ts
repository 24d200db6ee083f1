/** The program on Node. */
import { createNodeHost } from './host/node/index.ts';
import { runProgram } from './program.ts';

const host = createNodeHost();
host.system.exit(await runProgram(host));
