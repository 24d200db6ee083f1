/** The program on the small host. */
import { createSmallHost } from './host/small/index.ts';
import { runProgram } from './program.ts';

const host = createSmallHost();
runProgram(host).then((code) => host.system.exit(code));
