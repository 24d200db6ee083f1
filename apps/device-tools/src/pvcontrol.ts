/** `pvcontrol`: the control socket of a device on the command line. */
import { runPvcontrol } from './pvcontrol/program.ts';
import { processTerminal } from './pvcontrol/terminal.ts';

const argv = process.argv.slice(2);
// Test rigs put a command in front that runs pvcontrol somewhere else, e.g. `ssh device`.
const elsewhere = process.env.PVTEST_EXEC?.split(/\s+/).filter((word) => word !== '') ?? [];
if (elsewhere.length > 0) {
  const { spawnSync } = await import('node:child_process');
  const [program = '', ...rest] = elsewhere;
  const { status } = spawnSync(program, [...rest, 'pvcontrol', ...argv], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  process.exitCode = await runPvcontrol(argv, processTerminal());
}
