/** `pvr-endpoint` as an executable of the small host. */
import { runEndpoint } from './endpoint/program.ts';
import { createSmallServer } from './host/small-listener.ts';

const internalError = 70;

const { argv, host, exit } = createSmallServer();
runEndpoint(argv, host).then(exit, (error: unknown) => {
  host.stderr.write(
    `pvr-endpoint: internal error: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`,
  );
  exit(internalError);
});
