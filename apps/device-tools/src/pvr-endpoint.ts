/** `pvr-endpoint` on Node: a device on port 12368. */
import { runEndpoint } from './endpoint/program.ts';
import { createNodeServer } from './host/node-endpoint.ts';

process.exitCode = await runEndpoint(process.argv.slice(2), createNodeServer());
