/** The graph document as the mesh reads it (xconnect.md §3.1, §3.2). */

/** Services that are sockets; the other one is a device node. */
const socketTypes = ['unix', 'rest', 'wayland', 'dbus'] as const;
const types: readonly string[] = [...socketTypes, 'drm'];

export type LinkType = (typeof socketTypes)[number] | 'drm';

/** A process of a container; the start time tells it from a later one of the same number. */
export interface ProcessId {
  pid: number;
  start: number;
}

/** What is to be connected. */
export interface Link {
  consumer: string;
  /** Undefined while it does not run, or is not known. */
  consumerProcess: ProcessId | undefined;
  provider: string;
  /** As `consumerProcess`; undefined for the host, too. */
  providerProcess: ProcessId | undefined;
  name: string;
  type: LinkType;
  role: string;
  /** Inside the consumer. */
  target: string;
  /** Inside the provider. */
  socket: string;
  /** User of a link of the bus that the runtime hosts. */
  uid: number | undefined;
}

/** Name of a provider that is the host itself. */
export const hostProvider = '_pv_';

/** One requirement of one container; the role is no part of it. */
export const keyOf = ({ consumer, name, target }: Pick<Link, 'consumer' | 'name' | 'target'>): string =>
  [consumer, name, target].join('\0');

/** sun_path less its final NUL. */
const longestTarget = 107;
const mostPid = 0x7fff_ffff;

export interface ReadGraph {
  links: Link[];
  /** What cannot be connected, and why; one sentence each. */
  complaints: string[];
}

/**
 * Reads the graph. What cannot be connected is left out; of several providers of one service the first counts.
 * @param document parsed JSON
 * @param startOf see `MeshHost.startOf`
 * @throws Error when it is no list
 */
export function readGraph(
  document: unknown,
  startOf: (pid: number) => number | undefined,
  byteLength: (text: string) => number,
): ReadGraph {
  if (!Array.isArray(document)) throw new Error('the graph is no list');
  const links = new Map<string, Link>();
  const complaints: string[] = [];
  const processOf = (value: unknown): ProcessId | undefined => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > mostPid) return undefined;
    const start = startOf(value);
    return start === undefined ? undefined : { pid: value, start };
  };
  for (const item of document as unknown[]) {
    if (typeof item !== 'object' || item === null) continue;
    const fields = item as Record<string, unknown>;
    const text = (key: string): string => (typeof fields[key] === 'string' ? fields[key] : '');
    const [consumer, name, socket, type, provider] = [
      text('consumer'),
      text('name'),
      text('socket'),
      text('type'),
      text('provider'),
    ];
    if (consumer === '' || name === '') continue;
    const complain = (why: string) =>
      complaints.push(`cannot connect ${consumer} to the service ${name} of ${provider}: ${why}`);
    if (socket === '') {
      complain('its export names no socket');
      continue;
    }
    if (!types.includes(type)) {
      complain(`there is no way to connect a service of type ${type || 'unknown'}`);
      continue;
    }
    const target = text('target') || text('interface') || `/tmp/pvx_${consumer}_${name}.sock`;
    if (byteLength(target) > longestTarget || target.includes('\0')) {
      complain(`its target ${target} has more than ${longestTarget} bytes`);
      continue;
    }
    const link: Link = {
      consumer,
      consumerProcess: processOf(fields.consumer_pid),
      provider,
      providerProcess: processOf(fields.provider_pid),
      name,
      type: type as LinkType,
      role: text('role') || 'any',
      target,
      socket,
      uid: typeof fields.uid === 'number' && fields.uid >= 0 ? fields.uid : undefined,
    };
    const known = links.get(keyOf(link));
    if (known === undefined) links.set(keyOf(link), link);
    else if (known.provider === provider)
      complain(`it asks twice for ${target}, with the roles ${known.role} and ${link.role}`);
    else complain(`${known.provider} exports it, too, and comes first`);
  }
  return { links: [...links.values()], complaints };
}
