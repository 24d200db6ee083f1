/** What the exit codes of pvtx mean, for the documentation; the tool itself only knows the numbers. */
import type { Exit } from './failure.ts';

export const exitMeanings: Readonly<Record<Exit, string>> = {
  success: 'done',
  addInactive: '`add` without a transaction, `queue` without a queue, or wrong words after `queue`',
  removeInactive: '`remove` or `queue process` without a transaction',
  argument: '`remove` without a part',
  inactive: '`show`, `commit` or `deploy` without a transaction',
  kind: '`commit` of a local transaction, or `queue new` while a transaction is going on',
  failed: '`begin` during a transaction, no such command, or something was refused: a file, a package, the device',
};
