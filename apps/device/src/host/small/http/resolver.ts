/** Names of hosts to addresses: literals, /etc/hosts, and the name servers of /etc/resolv.conf over UDP (RFC 1035, RFC 3596). */
import type { Kernel, Loop } from '@pantavisor/small-host';
import { type Files, HostError } from '../../ports.ts';
import { type Address, connectSocket, datagram, parseAddress } from './address.ts';

const attempts = 2;
const attemptTime = 2000;
const resolutionDelay = 50;
const types = { A: 1, AAAA: 28 } as const;
const notThere = 3;

/** What a server said: addresses, or that there is no such name. */
type Reply = Address[] | 'unknown' | undefined;

/**
 * Addresses of a host, IPv4 first. Rejects with ENOTFOUND when nobody knows the name, EAI_AGAIN when no name server answers.
 * @param random two bytes for the number of a query
 */
export async function resolveHost(
  kernel: Kernel,
  loop: Loop,
  files: Files,
  host: string,
  random: () => number,
): Promise<Address[]> {
  const literal = parseAddress(host);
  if (literal) return [literal];
  const wanted = host.toLowerCase().replace(/\.$/, '');
  const known = inHosts(await files.readText('/etc/hosts').catch(() => ''), wanted);
  if (known.length > 0) return known;
  if (wanted === 'localhost') return [parseAddress('127.0.0.1')!];
  const servers = nameServers(await files.readText('/etc/resolv.conf').catch(() => ''));
  const ask = (type: number) => askAll(kernel, loop, servers, wanted, type, random);
  // Both at once: a name may have addresses of a kind that this network does not carry. The second waits for a server that keeps silent
  // only as long as nothing else is known (RFC 8305 §3).
  const [first, second] = [ask(types.A), ask(types.AAAA)];
  const four = await first;
  const isKnown = Array.isArray(four) && four.length > 0;
  const late = new Promise<Reply>((resolve) => void loop.after(resolutionDelay, () => resolve(undefined)));
  const replies = [four, await (isKnown ? Promise.race([second, late]) : second)];
  const answered = replies.some((reply) => reply !== undefined);
  const found = replies.flatMap((reply) => (reply === undefined || reply === 'unknown' ? [] : reply));
  if (found.length > 0) return found;
  throw answered
    ? new HostError('ENOTFOUND', 'find', host, 'there is no host of this name')
    : new HostError('EAI_AGAIN', 'find', host, 'no name server answered');
}

function inHosts(text: string, name: string): Address[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const parsed = names.some((each) => each.toLowerCase() === name) ? parseAddress(address) : undefined;
    return parsed ? [parsed] : [];
  });
}

function nameServers(text: string): Address[] {
  const named = Array.from(text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm), ([, address = '']) =>
    parseAddress(address),
  );
  const servers = named.filter((address) => address !== undefined);
  return servers.length > 0 ? servers : [parseAddress('127.0.0.1')!];
}

async function askAll(
  kernel: Kernel,
  loop: Loop,
  servers: Address[],
  name: string,
  type: number,
  random: () => number,
): Promise<Reply> {
  for (let attempt = 0; attempt < attempts; attempt += 1)
    for (const server of servers) {
      const reply = await ask(kernel, loop, server, name, type, random()).catch(() => undefined);
      if (reply !== undefined) return reply;
    }
  return undefined;
}

async function ask(
  kernel: Kernel,
  loop: Loop,
  server: Address,
  name: string,
  type: number,
  number: number,
): Promise<Reply> {
  const channel = await connectSocket(kernel, loop, server, 53, datagram, attemptTime);
  try {
    await channel.write(formatQuery(number, name, type), attemptTime);
    for (;;) {
      const bytes = await channel.read(attemptTime);
      if (bytes === undefined) return undefined;
      const reply = parseReply(bytes, number, type);
      if (reply !== undefined) return reply;
    }
  } finally {
    channel.close();
  }
}

/** One question, recursion desired. */
export function formatQuery(number: number, name: string, type: number): Uint8Array {
  const bytes = [number >> 8, number & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  for (const label of name.split('.')) {
    if (label.length === 0 || label.length > 63)
      throw new HostError('ENOTFOUND', 'find', name, 'this is no name of a host');
    bytes.push(label.length, ...Array.from(label, (character) => character.charCodeAt(0) & 127));
  }
  bytes.push(0, type >> 8, type & 255, 0, 1);
  return Uint8Array.from(bytes);
}

/** The addresses of a reply to this query; undefined when it is none, or the server failed. Never reads beyond the bytes. */
export function parseReply(bytes: Uint8Array, number: number, type: number): Reply {
  const word = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (bytes.length < 12 || word(0) !== number || (bytes[2]! & 0x80) === 0) return undefined;
  const code = bytes[3]! & 15;
  if (code === notThere) return 'unknown';
  if (code !== 0) return undefined;
  const skipName = (start: number): number => {
    for (let at = start; at < bytes.length; at += bytes[at]! + 1) {
      if (bytes[at]! >= 0xc0) return at + 2;
      if (bytes[at] === 0) return at + 1;
    }
    return bytes.length;
  };
  let at = 12;
  for (let count = word(4); count > 0 && at < bytes.length; count -= 1) at = skipName(at) + 4;
  const found: Address[] = [];
  for (let count = word(6); count > 0 && at < bytes.length; count -= 1) {
    at = skipName(at);
    const length = word(at + 8);
    const data = bytes.slice(at + 10, at + 10 + length);
    // Aliases (CNAME) come before the addresses they lead to, in the same reply.
    if (word(at) === type && data.length === (type === types.A ? 4 : 16))
      found.push({ family: type === types.A ? 'ipv4' : 'ipv6', bytes: data });
    at += 10 + length;
  }
  return found;
}
