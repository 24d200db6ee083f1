/** The port `Network` on the simulated machine: bridges are names in a table. */
import { HostError, type Network } from '../ports.ts';
import type { Gate } from './gate.ts';
import type { Machine } from './machine.ts';

export function memoryNetwork(machine: Machine, gate: Gate): Network {
  function bridge(name: string): { address?: string; up: boolean } {
    const found = machine.bridges.get(name);
    if (found === undefined) throw new HostError('ENODEV', 'find interface', name);
    return found;
  }
  return {
    ensureBridge: (name) =>
      gate(() => {
        if (machine.bridges.has(name)) return false;
        machine.bridges.set(name, { up: false });
        return true;
      }),
    setAddress: (name, address, prefixLength) =>
      gate(() => {
        bridge(name).address = `${address}/${prefixLength}`;
      }),
    setUp: (name) =>
      gate(() => {
        bridge(name).up = true;
      }),
    removeBridge: (name) => gate(() => void machine.bridges.delete(name)),
  };
}
