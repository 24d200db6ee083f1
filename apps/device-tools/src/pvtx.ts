/** `pvtx` on Node: the state of a device changed in one transaction. */
import { runElsewhere } from './delegate.ts';
import { createNodeTools } from './host/node.ts';
import { runPvtx } from './pvtx/program.ts';

const [host, argv] = [createNodeTools(), process.argv.slice(2)];
process.exitCode = (await runElsewhere('pvtx', argv, host)) ?? (await runPvtx(argv, host));
