/**
 * Loaded before pvr in a process that is to die: ends it, without any clean-up, at the n-th call that changes a disk.
 * CUT_AT holds n; the number of calls that were seen goes to standard error when it does not come to that.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const at = Number(process.env.CUT_AT);
const changing = ['writeFileSync', 'renameSync', 'rmSync', 'mkdirSync', 'openSync', 'linkSync', 'fsyncSync'] as const;
const changingLater = ['writeFile', 'rename', 'rm', 'copyFile', 'open', 'link', 'chmod'] as const;
const seen = { count: 0 };

function count(): void {
  seen.count += 1;
  if (seen.count === at) process.kill(process.pid, 'SIGKILL');
}

function watch(room: Record<string, unknown>, names: readonly string[]): void {
  for (const name of names) {
    const original = room[name] as (...args: unknown[]) => unknown;
    room[name] = (...args: unknown[]) => {
      count();
      return original(...args);
    };
  }
}

watch(fs as unknown as Record<string, unknown>, changing);
watch(promises as unknown as Record<string, unknown>, changingLater);
syncBuiltinESMExports();
process.on('exit', () => process.stderr.write(`changes=${seen.count}\n`));
