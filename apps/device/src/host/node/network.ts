import { existsSync } from 'node:fs';
import { addBridge, deleteBridge, setInterfaceAddress, setInterfaceUp } from '@pantavisor/linux';
import { HostError, type Network } from '../ports.ts';
import { guarded, hasCode } from './errors.ts';

/** Bridges of this process's network namespace. */
export function createNetwork(): Network {
  return {
    ensureBridge: (name) =>
      guarded('make bridge', name, async () => {
        try {
          addBridge(name);
          return true;
        } catch (error) {
          if (!hasCode(error, 'EEXIST')) throw error;
          if (existsSync(`/sys/class/net/${name}/bridge`)) return false;
          throw new HostError('EEXIST', 'make bridge', name, 'an interface of this name is there and is no bridge', {
            cause: error,
          });
        }
      }),
    setAddress: (name, address, prefixLength) =>
      guarded(`give address ${address}/${prefixLength} to`, name, async () =>
        setInterfaceAddress(name, address, prefixLength),
      ),
    setUp: (name) => guarded('switch on', name, async () => setInterfaceUp(name, true)),
    removeBridge: (name) =>
      guarded('remove bridge', name, async () => {
        setInterfaceUp(name, false);
        deleteBridge(name);
      }),
  };
}
