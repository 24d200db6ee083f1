/** The tools in the executable of the small host, chosen by the name it is called by. */
import { runElsewhere } from './delegate.ts';
import type { ToolHost } from './host/ports.ts';
import { createSmallTools } from './host/small.ts';
import { runPvcontrol } from './pvcontrol/program.ts';
import { runPvcurl } from './pvcurl/program.ts';
import { runLogin } from './pventer/login.ts';
import { runPventer } from './pventer/program.ts';
import type { ToolName } from './tool-names.ts';

const tools: Record<ToolName, (argv: readonly string[], host: ToolHost) => Promise<number>> = {
  pvcontrol: async (argv, host) => (await runElsewhere('pvcontrol', argv, host)) ?? runPvcontrol(argv, host),
  pvcurl: runPvcurl,
  'fallbear-cmd': (_, host) => runLogin(host),
  pventer: async (argv, host) => (await runElsewhere('pventer', argv, host)) ?? runPventer(argv, host),
};

const { program, argv, host, exit } = createSmallTools();
const internalError = 70;
tools[program as ToolName](argv, host).then(exit, (error: unknown) => {
  const text = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error);
  host.stderr.write(`${program}: internal error: ${text}\n`);
  exit(internalError);
});
