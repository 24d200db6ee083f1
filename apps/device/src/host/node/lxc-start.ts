import { closeSync } from 'node:fs';
import { access, constants, type FileHandle, mkdir, open } from 'node:fs/promises';
import { type ProcessExit, reapProcess, spawnProcess, waitReadable } from '@pantavisor/linux';
import { HostError } from '../ports.ts';
import type { Children } from './children.ts';
import { logLength, newErrors } from './lxc-log.ts';

export interface StartRequest {
  name: string;
  lxcPath: string;
  configFile: string;
  logFile: string;
  logLevel: string;
  environment: Record<string, string>;
}

/** Where we keep what we know about a container, beside what LXC may keep there. */
export function containerFolder(name: string, lxcPath: string): string {
  return `${lxcPath}/${name}`;
}

/** Finds LXC's program on the search path. */
export async function findLxcStart(searchPath: string): Promise<string> {
  for (const folder of searchPath.split(':')) {
    const program = `${folder}/lxc-start`;
    try {
      await access(program, constants.X_OK);
      return program;
    } catch {
      // Most folders of the path do not have it.
    }
  }
  throw new HostError(
    'LXC',
    'find',
    'lxc-start',
    `it is in none of ${searchPath}; install LXC (Debian: apt-get install lxc)`,
  );
}

async function runToEnd(
  program: string,
  argv: string[],
  environment: NodeJS.ProcessEnv,
  stderr: number,
  children: Children,
) {
  const { pid, descriptor } = spawnProcess(program, argv, environment, { stderr });
  children.add(pid);
  try {
    await waitReadable(descriptor);
    return reapProcess(descriptor);
  } finally {
    children.remove(pid);
    closeSync(descriptor);
  }
}

async function textOf(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8192), 0, 8192, 0);
  return buffer.toString('utf8', 0, bytesRead).trim();
}

async function reasonOf(request: StartRequest, logged: number, stderr: FileHandle, exit: ProcessExit | undefined) {
  const errors = await newErrors(request.logFile, logged, request.name);
  if (errors.length > 0) return errors.join('; ');
  const printed = await textOf(stderr);
  if (printed !== '') return printed.split('\n').slice(-5).join('; ');
  if (exit === undefined) return 'lxc-start ended, and it is not known how';
  return 'code' in exit ? `lxc-start ended with exit code ${exit.code}` : `lxc-start was ended by ${exit.signal}`;
}

/**
 * Runs `lxc-start -d`, which ends when the container's init runs.
 *
 * LXC's monitor removes its pid file when the container ends, which can be before we read it. So the file is made and opened here
 * first: the monitor writes into the same inode, and the number is there even when the name has gone.
 * @returns the number of the monitor, which is no zombie of ours to be reaped by others as long as the caller holds `children`
 * @throws HostError LXC with LXC's own errors
 */
export async function lxcStart(program: string, request: StartRequest, children: Children): Promise<number> {
  const { name, lxcPath, configFile, logFile, logLevel, environment } = request;
  const folder = containerFolder(name, lxcPath);
  await mkdir(folder, { recursive: true });
  const pidFile = `${folder}/monitor.pid`;
  const files: FileHandle[] = [];
  try {
    const [logged, pid, stderr] = await Promise.all([
      logLength(logFile),
      open(pidFile, 'w+', 0o600),
      open(`${folder}/start.log`, 'w+', 0o600),
    ]);
    files.push(pid, stderr);
    const argv = [
      'lxc-start',
      '-d',
      '-n',
      name,
      '-P',
      lxcPath,
      '-f',
      configFile,
      '-o',
      logFile,
      '-l',
      logLevel,
      '-p',
      pidFile,
    ];
    const exit = await runToEnd(program, argv, { ...process.env, ...environment }, stderr.fd, children);
    const monitor = Number(await textOf(pid));
    const started = exit !== undefined && 'code' in exit && exit.code === 0;
    if (!started) throw new HostError('LXC', 'start container', name, await reasonOf(request, logged, stderr, exit));
    if (!Number.isInteger(monitor) || monitor < 1)
      throw new HostError('LXC', 'start container', name, `LXC's monitor has left no number in ${pidFile}`);
    return monitor;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
