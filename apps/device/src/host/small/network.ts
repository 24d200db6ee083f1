/** Bridges and addresses of network interfaces by the classic ioctls (netdevice(7)). */
import { bufferOffset, type Kernel, SystemCallError } from '@pantavisor/small-host';
import { HostError, type Network } from '../ports.ts';
import { attempt } from './failure.ts';

const request = {
  addBridge: 0x89a0,
  deleteBridge: 0x89a1,
  getFlags: 0x8913,
  setFlags: 0x8914,
  setAddress: 0x8916,
  setMask: 0x891c,
} as const;
const family = { unix: 1, inet: 2 } as const;
const datagram = 2;
const closeOnExec = 0o2000000;
/** struct ifreq: 16 bytes of name, then the value. */
const nameSize = 16;
const requestSize = 40;
const flag = { up: 1, running: 0x40 } as const;

/** Creates the port. */
export function createNetwork(kernel: Kernel, exists: (path: string) => Promise<boolean>): Network {
  const onSocket = <T>(work: (socket: number) => T): T => {
    const socket = kernel.call('socket', 0, [family.inet, datagram | closeOnExec, 0]);
    try {
      return work(socket);
    } finally {
      kernel.close(socket);
    }
  };
  const putName = (name: string) => {
    const bytes = kernel.encode(name);
    if (bytes.length === 0 || bytes.length >= nameSize || name.includes('\0'))
      throw new HostError('EINVAL', 'use interface', name, 'names have 1 to 15 bytes');
    kernel.bytes.fill(0, bufferOffset, bufferOffset + requestSize);
    kernel.bytes.set(bytes, bufferOffset);
  };
  const control = (socket: number, number: number, name: string) =>
    kernel.call('ioctl', 0b100, [socket, number, bufferOffset], name);
  const setUp = (name: string, up: boolean) =>
    onSocket((socket) => {
      putName(name);
      control(socket, request.getFlags, name);
      const flags = kernel.view.getUint16(bufferOffset + nameSize, true);
      const bits = flag.up | flag.running;
      kernel.view.setUint16(bufferOffset + nameSize, up ? flags | bits : flags & ~bits, true);
      control(socket, request.setFlags, name);
    });
  const putAddress = (name: string, address: number) => {
    putName(name);
    kernel.view.setUint16(bufferOffset + nameSize, family.inet, true);
    kernel.view.setUint32(bufferOffset + nameSize + 4, address, false);
  };

  return {
    async ensureBridge(name) {
      try {
        return attempt('make bridge', name, () =>
          onSocket((socket) => {
            putName(name);
            control(socket, request.addBridge, name);
            return true;
          }),
        );
      } catch (error) {
        if (!(error instanceof HostError) || error.code !== 'EEXIST') throw error;
        if (await exists(`/sys/class/net/${name}/bridge`)) return false;
        throw new HostError('EEXIST', 'make bridge', name, 'an interface of this name is there and is no bridge', {
          cause: error,
        });
      }
    },
    async setAddress(name, address, prefixLength) {
      attempt(`give address ${address}/${prefixLength} to`, name, () =>
        onSocket((socket) => {
          putAddress(name, parseAddress(address));
          control(socket, request.setAddress, name);
          putAddress(name, prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0);
          control(socket, request.setMask, name);
        }),
      );
    },
    async setUp(name) {
      attempt('switch on', name, () => setUp(name, true));
    },
    async removeBridge(name) {
      attempt('remove bridge', name, () => {
        setUp(name, false);
        onSocket((socket) => {
          putName(name);
          control(socket, request.deleteBridge, name);
        });
      });
    },
  };
}

function parseAddress(text: string): number {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    throw new SystemCallError('EINVAL', 'read address', text);
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
