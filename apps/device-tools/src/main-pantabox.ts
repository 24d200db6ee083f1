/** `pantabox` as a program of the small host. */
import { createSmallPantabox } from './host/small-pantabox.ts';
import { runPantabox } from './pantabox/program.ts';

const internalError = 1;

const { program, argv, host, exit } = createSmallPantabox();
runPantabox(program, argv, host).then(exit, (error: unknown) => {
  host.stderr.write(
    `pantabox: internal error: ${error instanceof Error ? `${error.message}\n${error.stack}` : error}\n`,
  );
  exit(internalError);
});
