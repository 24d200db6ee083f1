/** Addresses of the internet protocols, and sockets that are connected to them. */

import { bufferOffset, Channel, type Kernel, type Loop } from '@pantavisor/small-host';
import { formatIpv6 } from '../../ip-text.ts';
import { channelFailure } from '../failure.ts';

export interface Address {
  family: 'ipv4' | 'ipv6';
  /** Four or sixteen bytes. */
  bytes: Uint8Array;
}

export const stream = 1;
export const datagram = 2;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
const families = { ipv4: 2, ipv6: 10 } as const;
const progress = { already: -114, inProgress: -115, connected: -106, again: -11 } as const;

/** An address in text; undefined when it is none. */
export function parseAddress(text: string): Address | undefined {
  const four = parseFour(text);
  if (four) return { family: 'ipv4', bytes: Uint8Array.from(four) };
  const halves = text.split('::');
  if (!/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text) || halves.length > 2) return undefined;
  const [left, right] = halves.map(groupBytes);
  if (!left || (halves.length === 2 && !right)) return undefined;
  const zeros = 16 - left.length - (right?.length ?? 0);
  if (halves.length === 1 ? zeros !== 0 : zeros < 2) return undefined;
  return { family: 'ipv6', bytes: Uint8Array.from([...left, ...new Array(zeros).fill(0), ...(right ?? [])]) };
}

/** An address as text, IPv6 in its shortest form (RFC 5952). */
export function formatAddress({ family, bytes }: Address): string {
  if (family === 'ipv4') return bytes.join('.');
  return formatIpv6(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''));
}

function parseFour(text: string): number[] | undefined {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

/** Bytes of groups between colons; the last may be an IPv4 address. */
function groupBytes(text: string): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  for (const group of text.split(':')) {
    const four = parseFour(group);
    if (four) bytes.push(...four);
    else if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    else bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255);
  }
  return bytes;
}

/** A connected socket. Rejects with the kernel's reason, or ETIMEDOUT. */
export async function connectSocket(
  kernel: Kernel,
  loop: Loop,
  address: Address,
  port: number,
  kind: number,
  timeout: number,
): Promise<Channel> {
  const family = families[address.family];
  const descriptor = kernel.call('socket', 0, [family, kind | closeOnExec | nonBlocking, 0]);
  const connect = (): number => {
    const { view, bytes } = kernel;
    bytes.fill(0, bufferOffset, bufferOffset + 28);
    view.setUint16(bufferOffset, family, true);
    view.setUint16(bufferOffset + 2, port, false);
    bytes.set(address.bytes, bufferOffset + (address.family === 'ipv4' ? 4 : 8));
    const length = address.family === 'ipv4' ? 16 : 28;
    const result = kernel.raw('connect', 0b010, descriptor, bufferOffset, length);
    if (result === progress.connected) return 0;
    return result === progress.already || result === progress.inProgress ? progress.again : result;
  };
  const channel = new Channel(kernel, loop, descriptor, channelFailure);
  try {
    kernel.door(await channel.repeat(connect, timeout), 'connect');
    return channel;
  } catch (error) {
    channel.close();
    throw error;
  }
}
