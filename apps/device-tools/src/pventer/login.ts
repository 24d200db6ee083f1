/** What a login over SSH leads to, by the user's name (tools.md §4): the forced command of the device's SSH server. */

import type { ToolHost } from '../host/ports.ts';
import { findSocket } from '../pvcontrol/session.ts';
import { runPventer } from './program.ts';

/** Where a user name leads. */
export type Destination =
  | { kind: 'container'; name: string }
  /** A terminal of the container, as lxc-console(1) counts them. */
  | { kind: 'console'; name: string; terminal: string }
  /** The device itself. */
  | { kind: 'device' };

/** Reads a user name: `<container>`, `<tty>@<container>`, `_pv_` or `/`. Undefined: it leads nowhere. */
export function destinationOf(user: string): Destination | undefined {
  if (user === '_pv_' || user === '/') return { kind: 'device' };
  const at = user.indexOf('@');
  const name = user.slice(at + 1);
  if (name === '') return undefined;
  if (at < 0) return { kind: 'container', name };
  const terminal = user.slice(0, at);
  return /^\d{1,3}$/.test(terminal) ? { kind: 'console', name, terminal } : undefined;
}

/**
 * Runs what a login wants: a shell, or the command of SSH_ORIGINAL_COMMAND, where the name of the user USER leads. LXC_PATH says where LXC
 * has its containers; default beside the control socket.
 * @returns the exit code; 1 when the name leads nowhere
 */
export async function runLogin(host: ToolHost): Promise<number> {
  const { USER: user = '', SSH_ORIGINAL_COMMAND: command = '', LXC_PATH: lxcPath } = host.environment;
  const destination = destinationOf(user);
  switch (destination?.kind) {
    case 'device':
      return host.run(command === '' ? ['/bin/sh', '-l'] : ['/bin/sh', '-c', command], host.environment);
    case 'container':
      return runPventer(['-c', destination.name, '--', ...(command === '' ? [] : [command])], host);
    case 'console': {
      const path = lxcPath ?? findSocket(undefined, host).replace(/\/pv\/pv-ctrl$/, '/lxc');
      const argv = ['lxc-console', '-n', destination.name, '-t', destination.terminal, '-P', path];
      return host.run(argv, host.environment);
    }
    default:
      host.stderr.write(`no container found: ${user}\n`);
      return 1;
  }
}
