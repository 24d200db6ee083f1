/** What has to be done so that the links are those of the graph (xconnect.md §4). */
import { hostProvider, keyOf, type Link, type ProcessId } from './graph.ts';

export type LinkEffect =
  /** Put what is asked for into the consumer. */
  | { kind: 'establish'; link: Link }
  /** What is there stays; new connections go where this link says. */
  | { kind: 'redirect'; link: Link }
  /** Take it away: nobody asks for it any more, or its consumer is another process now. */
  | { kind: 'drop'; key: string };

/** A link that was established, as it is now. */
export type KnownLinks = ReadonlyMap<string, Link>;

/**
 * Compares the graph with what is established. Two equal graphs in a row give no effects the second time.
 * @param known established links by `keyOf`
 */
export function reconcile(known: KnownLinks, graph: readonly Link[]): LinkEffect[] {
  const effects: LinkEffect[] = [];
  const wanted = new Set(graph.map(keyOf));
  for (const key of known.keys()) if (!wanted.has(key)) effects.push({ kind: 'drop', key });
  for (const link of graph) {
    const key = keyOf(link);
    const old = known.get(key);
    if (old === undefined) {
      if (canEstablish(link)) effects.push({ kind: 'establish', link });
      continue;
    }
    // A pid that is not known tells nothing: what is established stays as it is.
    const now: Link = {
      ...link,
      consumerProcess: link.consumerProcess ?? old.consumerProcess,
      providerProcess: link.providerProcess ?? (link.provider === old.provider ? old.providerProcess : undefined),
    };
    if (needsAnother(old, now)) {
      effects.push({ kind: 'drop', key });
      if (canEstablish(now)) effects.push({ kind: 'establish', link: now });
    } else if (!leadsToSame(old, now)) effects.push({ kind: 'redirect', link: now });
  }
  return effects;
}

/** A link whose consumer is not known waits, and a device node can be copied only from a provider that runs. */
function canEstablish({ consumerProcess, providerProcess, type }: Link): boolean {
  return consumerProcess !== undefined && (type !== 'drm' || providerProcess !== undefined);
}

function needsAnother(old: Link, now: Link): boolean {
  if (!isSameProcess(old.consumerProcess, now.consumerProcess)) return true;
  if ((old.type === 'drm') !== (now.type === 'drm')) return true;
  return now.type === 'drm' && !leadsToSame(old, now);
}

function leadsToSame(old: Link, now: Link): boolean {
  return (
    old.type === now.type &&
    old.provider === now.provider &&
    old.socket === now.socket &&
    old.role === now.role &&
    old.uid === now.uid &&
    isSameProcess(old.providerProcess, now.providerProcess)
  );
}

function isSameProcess(one: ProcessId | undefined, other: ProcessId | undefined): boolean {
  return one?.pid === other?.pid && one?.start === other?.start;
}

/** Whether the service is one of the host, whose sockets are paths of the host. */
export const isOfHost = ({ provider }: Link): boolean => provider === hostProvider;
