/** `pventer` on Node: a shell or a command inside a running container. */
import { runElsewhere } from './delegate.ts';
import { createNodeTools } from './host/node.ts';
import { runPventer } from './pventer/program.ts';

const [host, argv] = [createNodeTools(), process.argv.slice(2)];
process.exitCode = (await runElsewhere('pventer', argv, host)) ?? (await runPventer(argv, host));
