/** `pvcontrol` on Node: the control socket of a device on the command line. */
import { runElsewhere } from './delegate.ts';
import { createNodeTools } from './host/node.ts';
import { runPvcontrol } from './pvcontrol/program.ts';

const [host, argv] = [createNodeTools(), process.argv.slice(2)];
process.exitCode = (await runElsewhere('pvcontrol', argv, host)) ?? (await runPvcontrol(argv, host));
