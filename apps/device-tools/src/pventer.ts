/** `pventer`: a shell or a command inside a running container. */
import { runPventer } from './pventer/program.ts';

const argv = process.argv.slice(2);
// Test rigs put a command in front that runs pventer somewhere else, e.g. `ssh device`.
const elsewhere = process.env.PVTEST_EXEC?.split(/\s+/).filter((word) => word !== '') ?? [];
if (elsewhere.length > 0) {
  const { spawnSync } = await import('node:child_process');
  const [program = '', ...rest] = elsewhere;
  const { status } = spawnSync(program, [...rest, 'pventer', ...argv], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  process.exitCode = await runPventer(argv);
}
