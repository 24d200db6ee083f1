import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { openProcess, signalProcess } from '@pantavisor/linux';
import { HostError, type Processes, type ProcessResult, type SpawnedProcess } from '../ports.ts';
import type { Children } from './children.ts';
import { hasCode, hostError } from './errors.ts';
import { KeptOutput, Lines } from './output.ts';

/** How long output is awaited after a program's end: a grandchild may hold the pipe open for ever. */
const graceForOutput = 250;

interface Ended {
  code: number | undefined;
  signal: string | undefined;
}

/** Starts a program in a session of its own, so that the keys of our terminal do not reach it. */
async function start(
  argv: string[],
  options: SpawnOptions,
  children: Children,
  file?: string,
): Promise<ChildProcess & { pid: number }> {
  const [name, ...rest] = argv;
  if (name === undefined) throw new HostError('EINVAL', 'run', undefined, 'no program is named');
  const program = file ?? name;
  const child = spawn(program, rest, { ...options, argv0: name, detached: true });
  const { pid } = child;
  if (pid === undefined) {
    const cause = await new Promise<unknown>((resolve) => child.once('error', resolve));
    throw hostError('run', program, cause);
  }
  children.add(pid);
  return Object.assign(child, { pid });
}

function ended(child: ChildProcess & { pid: number }, children: Children): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      children.remove(child.pid);
      const result = { code: code ?? undefined, signal: signal ?? undefined };
      const giveUp = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, graceForOutput);
      child.once('close', () => {
        clearTimeout(giveUp);
        resolve(result);
      });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/** A process that runs; one that has ended and only waits to be reaped does not. */
function isAlive(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name stands in parentheses and may contain any.
    return !'ZXx'.includes(text[text.lastIndexOf(')') + 2] ?? 'X');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return false;
    throw hostError('look at process', String(pid), error);
  }
}

/** Programs of the machine. */
export function createProcesses(children: Children): Processes {
  const environmentOf = (own: Record<string, string> | undefined) => (own ? { env: { ...process.env, ...own } } : {});
  return {
    run: async (argv, { environment, directory, input, timeout } = {}): Promise<ProcessResult> => {
      const child = await start(
        argv,
        {
          stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
          cwd: directory,
          ...environmentOf(environment),
        },
        children,
      );
      const stdout = new KeptOutput();
      const stderr = new KeptOutput();
      child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk));
      child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
      // A program may end without reading its input; its exit code tells whether that was right.
      child.stdin?.on('error', () => undefined).end(input);
      let timedOut = false;
      const alarm =
        timeout === undefined
          ? undefined
          : setTimeout(() => {
              timedOut = true;
              killGroup(child.pid);
            }, timeout);
      const { code, signal } = await ended(child, children);
      clearTimeout(alarm);
      return { code, signal, stdout: stdout.text(), stderr: stderr.text(), timedOut };
    },
    spawn: async (argv, { program, environment, directory, onLine } = {}): Promise<SpawnedProcess> => {
      const stream = onLine ? 'pipe' : 'ignore';
      const child = await start(
        argv,
        { stdio: ['ignore', stream, stream], cwd: directory, ...environmentOf(environment) },
        children,
        program,
      );
      const readers = (['stdout', 'stderr'] as const).map((name) => {
        const lines = new Lines((line) => onLine?.(name, line));
        child[name]?.on('data', (chunk: Buffer) => lines.add(chunk));
        return lines;
      });
      const exited = ended(child, children).then((result) => {
        for (const lines of readers) lines.end();
        return result;
      });
      return {
        pid: child.pid,
        exited,
        signal: (name) => {
          // While its end has not been seen its number is its own. Node's own kill knows no real-time signals.
          if (child.exitCode !== null || child.signalCode !== null) return;
          const descriptor = openProcess(child.pid);
          try {
            signalProcess(descriptor, name);
          } finally {
            closeSync(descriptor);
          }
        },
      };
    },
    isAlive,
  };
}
