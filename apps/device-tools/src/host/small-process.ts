/** Waiting for a program that has the terminal meanwhile. */
import { bufferOffset, type Kernel } from '@pantavisor/small-host';

const waitById = 1; // P_PID
const exited = 4; // WEXITED
/** si_code of a child that ended by itself. */
const byItself = 1;
const block = 0;
/** SIGINT and SIGQUIT as bits. */
const terminalKeys = (1 << 1) | (1 << 2);

/**
 * Starts a program and waits for its end; its exit code, or 128 and the number of the signal that ended it. Keys that interrupt are the
 * program's alone: the C host lets it begin without blocked signals.
 */
export function waitForEnd(kernel: Kernel, start: () => number): number {
  kernel.view.setUint32(bufferOffset, terminalKeys, true);
  kernel.view.setUint32(bufferOffset + 4, 0, true);
  kernel.call('rt_sigprocmask', 0b010, [block, bufferOffset, 0, 8]);
  return waitForChild(kernel, start());
}

/** Waits for the end of a child; its exit code, or 128 and the number of the signal that ended it. */
export function waitForChild(kernel: Kernel, pid: number): number {
  kernel.call('waitid', 0b00100, [waitById, pid, bufferOffset, exited, 0]);
  // siginfo_t: signo, errno, code, then (aligned to the pointer size) pid, uid, status.
  const status = kernel.view.getInt32(bufferOffset + (kernel.architecture === 'arm' ? 12 : 16) + 8, true);
  return kernel.view.getInt32(bufferOffset + 8, true) === byItself ? status : 128 + status;
}
