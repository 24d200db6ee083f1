/** Facts about processes from /proc, asked in a way that a process which ends meanwhile is no failure. */
import { type Files, HostError } from '../ports.ts';

/** Content of a file of /proc; undefined when the process has gone. */
export async function readProc(files: Files, path: string): Promise<string | undefined> {
  try {
    return await files.readText(path);
  } catch (error) {
    if (error instanceof HostError && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
    throw error;
  }
}

/** A field of /proc/PID/status; undefined when the process has gone. */
async function statusField(files: Files, pid: number, field: string): Promise<string | undefined> {
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec((await readProc(files, `/proc/${pid}/status`)) ?? '')?.[1];
}

/**
 * Whether a process is LXC's monitor of this very container, by the title that the monitor gives itself, or, on kernels that do not let it
 * (without CHECKPOINT_RESTORE), by the arguments that it was started with. A process number alone proves nothing: it may have
 * been given to another process since.
 */
export async function isMonitorOf(files: Files, pid: number, name: string, lxcPath: string): Promise<boolean> {
  const commandLine = await readProc(files, `/proc/${pid}/cmdline`);
  if (commandLine === undefined || commandLine === '') return false;
  if (trimEnd(commandLine) === `[lxc monitor] ${lxcPath} ${name}`) return true;
  try {
    if (!/(^|\/)lxc-start( \(deleted\))?$/.test(await files.readLink(`/proc/${pid}/exe`))) return false;
  } catch (error) {
    if (error instanceof HostError && (error.code === 'ENOENT' || error.code === 'ESRCH')) return false;
    throw error;
  }
  const argv = commandLine.split('\0');
  const operandOf = (option: string) => argv[argv.indexOf(option) + 1];
  return argv.includes('-n') && operandOf('-n') === name && argv.includes('-P') && operandOf('-P') === lxcPath;
}

function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === '\0' || text[end - 1] === ' ')) end -= 1;
  return text.slice(0, end);
}

/** The init of a monitor's container: its child that is process 1 somewhere, else its first child; undefined when it has ended. */
export async function initOf(files: Files, monitorPid: number): Promise<number | undefined> {
  const list = (await readProc(files, `/proc/${monitorPid}/task/${monitorPid}/children`)) ?? '';
  const pids = list
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
  if (pids.length <= 1) return pids[0];
  for (const pid of pids) if (/\s1$/.test((await statusField(files, pid, 'NSpid')) ?? '')) return pid;
  return pids[0];
}

/** Whether the process blocks a signal, as the mask in /proc/PID/status says. */
export async function blocksSignal(files: Files, pid: number, number: number): Promise<boolean> {
  const mask = BigInt(`0x${(await statusField(files, pid, 'SigBlk')) ?? '0'}`);
  return ((mask >> BigInt(number - 1)) & 1n) === 1n;
}

/** Whether the process is in a pid namespace below ours, so that its end as init ends all others in it. */
export async function hasOwnPidNamespace(files: Files, pid: number): Promise<boolean> {
  return ((await statusField(files, pid, 'NSpid')) ?? '').trim().split(/\s+/).length > 1;
}
