/** Ports of this machine that lead to ports of a virtual one. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Failure } from '@pantavisor/cli';
import type { MachineForward } from '../qemu/command-line.ts';
import type { Machine } from '../qemu/machine.ts';

/**
 * Reads `HOST:GUEST`.
 * @throws Failure `usage` when it is not two ports
 */
export function parseForward(text: string): MachineForward {
  const [host, guest, ...rest] = text.split(':').map(Number);
  const isPort = (port: number | undefined, least: number) =>
    Number.isInteger(port) && port! >= least && port! <= 65535;
  if (rest.length > 0 || !isPort(host, 0) || !isPort(guest, 1))
    throw new Failure('usage', `cannot forward ${text}`, { hint: 'write HOST:GUEST, two ports; 0 takes a free one' });
  return { host: host!, guest: guest! };
}

/** Forwards of a recipe and those that a person asks for, which take the place of others to the same port of the guest. */
export function joinForwards(
  ports: Readonly<Record<string, number>>,
  wanted: readonly MachineForward[],
): MachineForward[] {
  const own = Object.entries(ports).map(([host, guest]) => ({ host: Number(host), guest }));
  return [...own.filter(({ guest }) => wanted.every((other) => other.guest !== guest)), ...wanted];
}

/**
 * Makes sure that the ports can be had, since QEMU names another one than the one that is taken.
 * @throws Failure `port-taken` that names the first one which cannot, and how to take another
 */
export async function assertFree(forwards: readonly MachineForward[]): Promise<void> {
  for (const { host, guest } of forwards) {
    if (host === 0) continue;
    const server = createServer().listen(host, '127.0.0.1');
    try {
      await once(server, 'listening');
      server.close();
    } catch (cause) {
      const why = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'it is in use' : (cause as Error).message;
      throw new Failure('port-taken', `cannot forward port ${host} of this machine: ${why}`, {
        hint: `take another one: --port ${host < 65535 ? host + 1 : 0}:${guest}; 0 takes a free one`,
        cause,
      });
    }
  }
}

/** Where the ports of a machine are, e.g. `127.0.0.1:8080 leads to port 80 of the machine`; empty without forwards. */
export async function describeForwards(machine: Machine, forwards: readonly MachineForward[]): Promise<string> {
  const parts: string[] = [];
  for (const { host, guest } of forwards)
    parts.push(`127.0.0.1:${host === 0 ? await machine.port(guest) : host} leads to port ${guest} of the machine`);
  return parts.join(', ');
}
