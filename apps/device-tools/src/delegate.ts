/** Test rigs put a command in front that runs a tool somewhere else: PVTEST_EXEC, e.g. `ssh device` (tools.md §6, §8). */
import type { ToolHost } from './host/ports.ts';

/** The exit code of the tool elsewhere, or undefined when it is wanted here. */
export async function runElsewhere(name: string, argv: readonly string[], host: ToolHost): Promise<number | undefined> {
  const before = host.environment.PVTEST_EXEC?.split(/\s+/).filter((word) => word !== '') ?? [];
  if (before.length === 0) return undefined;
  try {
    return await host.run([...before, name, ...argv], host.environment);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    host.stderr.write(`${name}: cannot run ${before[0]}, which PVTEST_EXEC names: ${reason}\n`);
    return 1;
  }
}
