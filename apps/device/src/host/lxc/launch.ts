/** Running `lxc-start -d` and saying why it failed. */
import { type ContainerExit, type Files, HostError, type TextCoding } from '../ports.ts';
import type { ProcessDoor } from './process-door.ts';

export interface StartRequest {
  name: string;
  lxcPath: string;
  configFile: string;
  logFile: string;
  logLevel: string;
  environment: Record<string, string>;
}

/** Bytes at the end of LXC's log that are searched for errors, and how many of them are told. */
const mostRead = 64 * 1024;
const mostLines = 5;
const executable = 0o111;

/** Where we keep what we know about a container, beside what LXC may keep there. */
export function containerFolder(name: string, lxcPath: string): string {
  return `${lxcPath}/${name}`;
}

/** Finds LXC's program on the search path. */
export async function findLxcStart(files: Files, searchPath: string): Promise<string> {
  for (const folder of searchPath.split(':')) {
    const program = `${folder}/lxc-start`;
    const status = await files.status(program, { follow: true });
    if (status?.kind === 'file' && (status.mode & executable) !== 0) return program;
  }
  throw new HostError(
    'LXC',
    'find',
    'lxc-start',
    `it is in none of ${searchPath}; install LXC (Debian: apt-get install lxc)`,
  );
}

/**
 * Picks the errors out of LXC's log: the messages of the last five `ERROR` lines about the container, each without date and place.
 * @param text lines such as `lxc-start NAME 20260101000000.000 ERROR    conf - ../src/lxc/conf.c:run:42 - message`
 */
export function errorsIn(text: string, name: string): string[] {
  const messages: string[] = [];
  const prefix = `lxc-start ${name} `;
  for (const line of text.split('\n')) {
    if (!line.startsWith(prefix)) continue;
    const message = /^\d+\.\d+ (?:ERROR|FATAL|CRIT|ALERT|EMERG) +\S+ - \S+ - (.*)$/.exec(
      line.slice(prefix.length),
    )?.[1];
    if (message !== undefined && !messages.includes(message)) messages.push(message);
  }
  return messages.slice(-mostLines);
}

/**
 * Runs `lxc-start -d`, which ends when the container's init runs.
 *
 * LXC's monitor removes its pid file when the container ends, which can be before we read it. So the file is made first and a second
 * name is kept: the monitor writes into the same inode, and the number is there even when the first name has gone.
 * @returns the number of the monitor, which is no zombie of ours to be reaped by others as long as the caller holds the door
 * @throws HostError LXC with LXC's own errors
 */
export async function runLxcStart(
  { files, door, text }: { files: Files; door: ProcessDoor; text: TextCoding },
  program: string,
  request: StartRequest,
): Promise<number> {
  const { name, lxcPath, configFile, logFile, logLevel, environment } = request;
  const folder = containerFolder(name, lxcPath);
  await files.makeDirectory(folder).catch((error) => {
    if (!(error instanceof HostError) || error.code !== 'EEXIST') throw error;
  });
  const pidFile = `${folder}/monitor.pid`;
  const keptName = `${folder}/monitor.pid.kept`;
  const stderrFile = `${folder}/start.log`;
  const logged = (await files.status(logFile))?.size ?? 0;
  for (const path of [pidFile, keptName]) await files.unlink(path).catch(() => undefined);
  await files.write(pidFile, '', { mode: 0o600 });
  await files.link(pidFile, keptName);
  await files.write(stderrFile, '', { mode: 0o600 });
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
  const handle = await door.start(program, argv, { ...door.environment, ...environment }, stderrFile);
  let exit: ContainerExit | undefined;
  try {
    await door.ended(handle);
    exit = door.reap(handle);
  } finally {
    door.forget(handle.pid);
    door.close(handle);
  }
  if (exit?.kind !== 'code' || exit.code !== 0) {
    const errors = await newErrors(files, text, logFile, logged, name);
    throw new HostError('LXC', 'start container', name, await reasonOf(files, errors, stderrFile, exit));
  }
  const monitor = Number((await files.readText(keptName)).trim());
  if (!Number.isInteger(monitor) || monitor < 1)
    throw new HostError('LXC', 'start container', name, `LXC's monitor has left no number in ${pidFile}`);
  return monitor;
}

/** The errors that LXC wrote since the log had `from` bytes; none when there is no log. */
export async function newErrors(
  files: Files,
  text: TextCoding,
  path: string,
  from: number,
  name: string,
): Promise<string[]> {
  const bytes = await files.read(path).catch(() => new Uint8Array());
  return errorsIn(text.decode(bytes.subarray(Math.max(bytes.length - mostRead, bytes.length < from ? 0 : from))), name);
}

async function reasonOf(
  files: Files,
  errors: string[],
  stderrFile: string,
  exit: ContainerExit | undefined,
): Promise<string> {
  if (errors.length > 0) return errors.join('; ');
  const printed = (await files.readText(stderrFile).catch(() => '')).trim();
  if (printed !== '') return printed.split('\n').slice(-mostLines).join('; ');
  if (exit === undefined) return 'lxc-start ended, and it is not known how';
  return exit.kind === 'code' ? `lxc-start ended with exit code ${exit.code}` : `lxc-start was ended by ${exit.signal}`;
}
