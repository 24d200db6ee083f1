import { readFileSync, readlinkSync } from 'node:fs';
import { hasCode } from './errors.ts';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

/** A field of /proc/PID/status; undefined when the process has gone. */
function statusField(pid: number, field: string): string | undefined {
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(read(`/proc/${pid}/status`) ?? '')?.[1];
}

/**
 * Whether a process is LXC's monitor of this very container, by the title that the monitor gives itself, or, on kernels that do not let it
 * (without CHECKPOINT_RESTORE), by the arguments that it was started with. A process number alone proves nothing: it may have
 * been given to another process since.
 */
export function isMonitorOf(pid: number, name: string, lxcPath: string): boolean {
  const commandLine = read(`/proc/${pid}/cmdline`);
  if (commandLine === undefined || commandLine === '') return false;
  if (commandLine.replace(/[\0 ]+$/, '') === `[lxc monitor] ${lxcPath} ${name}`) return true;
  try {
    if (!/(^|\/)lxc-start( \(deleted\))?$/.test(readlinkSync(`/proc/${pid}/exe`))) return false;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return false;
    throw error;
  }
  const argv = commandLine.split('\0');
  const operandOf = (option: string) => argv[argv.indexOf(option) + 1];
  return argv.includes('-n') && operandOf('-n') === name && argv.includes('-P') && operandOf('-P') === lxcPath;
}

/** The init of a monitor's container: its child that is process 1 somewhere, else its first child; undefined when it has ended. */
export function initOf(monitorPid: number): number | undefined {
  const children = (read(`/proc/${monitorPid}/task/${monitorPid}/children`) ?? '')
    .split(' ')
    .filter((word) => word !== '');
  const pids = children.map(Number);
  if (pids.length <= 1) return pids[0];
  return pids.find((pid) => /\s1$/.test(statusField(pid, 'NSpid') ?? '')) ?? pids[0];
}

/** Whether the process blocks a signal, as the mask in /proc/PID/status says. */
export function blocksSignal(pid: number, number: number): boolean {
  const mask = BigInt(`0x${statusField(pid, 'SigBlk') ?? '0'}`);
  return ((mask >> BigInt(number - 1)) & 1n) === 1n;
}

/** Whether the process is in a pid namespace below ours, so that its end as init ends all others in it. */
export function hasOwnPidNamespace(pid: number): boolean {
  return (statusField(pid, 'NSpid') ?? '').trim().split(/\s+/).length > 1;
}
