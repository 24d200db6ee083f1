/** Enters a running container: a login shell, or one command, as a part of the container (tools.md §8). */
import { ControlError, ExchangeError, PortableControlClient } from '@pantavisor/ctrl-api/portable';
import type { ToolHost } from '../host/ports.ts';
import { findSocket } from '../pvcontrol/session.ts';
import { joinControlGroups } from './control-groups.ts';
import { parsePasswd } from './passwd.ts';

const help = `Usage: pventer -c CONTAINER [COMMAND...]

Runs a command inside a running container, or a login shell when no command is given. The words of the command are
joined by blanks and read by the container's shell. Needs root.

  -c, --container NAME   the container
  -s, --socket PATH      control socket of the device; default as with pvcontrol
  -h, --help             this text

Environment: PVUSER names the user inside, default root.
The exit code is that of the command; 1 when there is no such container.
`;

interface Arguments {
  container?: string;
  socket?: string;
  help: boolean;
  command: string[];
}

/** Options end at the first word that is none: what follows belongs to the command. */
export function parseArguments(argv: readonly string[]): Arguments {
  const parsed: Arguments = { help: false, command: [] };
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index]!;
    if (word === '-h' || word === '--help') parsed.help = true;
    else if (word === '-c' || word === '--container') parsed.container = argv[++index] ?? '';
    else if (word === '-s' || word === '--socket') parsed.socket = argv[++index] ?? '';
    else return { ...parsed, command: argv.slice(word === '--' ? index + 1 : index) };
  }
  return parsed;
}

/** Runs pventer. @returns the exit code */
export async function runPventer(argv: readonly string[], host: ToolHost): Promise<number> {
  const { container, socket, help: asked, command } = parseArguments(argv);
  const say = (stream: 'stdout' | 'stderr', text: string, code: number): number => {
    host[stream].write(text);
    return code;
  };
  if (asked) return say('stdout', help, 0);
  if (!container) return say('stderr', 'ERROR: see --help\n', 1);
  let pid: number | undefined;
  try {
    const list = await new PortableControlClient(host.transport, findSocket(socket, host)).containerDetails();
    pid = list.find(({ name }) => name === container)?.pid ?? undefined;
  } catch (error) {
    if (!(error instanceof ControlError || error instanceof ExchangeError)) throw error;
    return say('stderr', `pventer: ${error.message}\n`, 1);
  }
  if (pid === undefined) return say('stderr', `no container found: ${container}\n`, 1);
  try {
    return await enter(host, pid, command);
  } catch (error) {
    return say('stderr', `pventer: cannot enter ${container}: ${error instanceof Error ? error.message : error}\n`, 1);
  }
}

/** Text of a file inside the container; undefined when there is none. */
async function readInside({ files }: ToolHost, pid: number, path: string): Promise<string | undefined> {
  return files.readText(`/proc/${pid}/root${path}`).catch(() => undefined);
}

async function enter(host: ToolHost, pid: number, command: readonly string[]): Promise<number> {
  const login = host.environment.PVUSER || 'root';
  const { uid, gid, home, shell } = parsePasswd((await readInside(host, pid, '/etc/passwd')) ?? '', login);
  const inherited = (await host.files.readText(`/proc/${pid}/environ`)).split('\0').filter(Boolean);
  const environment = Object.fromEntries(
    inherited.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  const argv = command.length === 0 ? [shell, '-l'] : [shell, '-c', command.join(' ')];
  await joinControlGroups(host, pid);
  // The directory of the caller means nothing inside, so the shell of the container goes home first.
  const start = `cd "$HOME" 2>/dev/null || cd /; exec "$@"`;
  const namespaces = ['-C', '-m', '-n', '-p', '-u', '-i', '-r', '-w'];
  const identity = ['-S', `${uid}`, '-G', `${gid}`];
  return host.run(
    ['nsenter', '-t', `${pid}`, ...namespaces, ...identity, '--', '/bin/sh', '-c', start, 'pventer', ...argv],
    {
      PATH: host.environment.PATH,
      TERM: host.environment.TERM,
      ...environment,
      USER: login,
      LOGNAME: login,
      HOME: home,
      SHELL: shell,
      SHLVL: '',
    },
  );
}
