/** The tools in the executable of the small host, chosen by the name it is called by. */
import { runElsewhere } from './delegate.ts';
import type { ToolHost } from './host/ports.ts';
import { createSmallTools } from './host/small.ts';
import { runPvcontrol } from './pvcontrol/program.ts';
import { runPvcurl } from './pvcurl/program.ts';
import { runLogin } from './pventer/login.ts';
import { runPventer } from './pventer/program.ts';
import { runPvtx } from './pvtx/program.ts';
import type { ToolName } from './tool-names.ts';
import { runMesh } from './xconnect/program.ts';

type Tool = (argv: readonly string[], host: ToolHost) => Promise<number>;
/** A tool that test rigs may run on a device elsewhere. */
const movable =
  (name: string, run: Tool): Tool =>
  async (argv, host) =>
    (await runElsewhere(name, argv, host)) ?? run(argv, host);

const tools: Record<Exclude<ToolName, 'pv-xconnect'>, Tool> = {
  pvcontrol: movable('pvcontrol', runPvcontrol),
  pvcurl: runPvcurl,
  'fallbear-cmd': (_, host) => runLogin(host),
  pventer: movable('pventer', runPventer),
  pvtx: movable('pvtx', runPvtx),
};

const { program, argv, host, mesh, exit } = createSmallTools();
const internalError = 70;
if (program === 'pv-xconnect') runMesh(mesh());
else
  tools[program as keyof typeof tools](argv, host).then(exit, (error: unknown) => {
    const text = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error);
    host.stderr.write(`${program}: internal error: ${text}\n`);
    exit(internalError);
  });
