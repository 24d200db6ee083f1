/** The mesh: links as the graph wants them, and the connections through them (xconnect.md §4 to §6). */
import { codeOf, type MeshHost } from '../host/mesh-ports.ts';
import type { Filter } from './filter.ts';
import { keyOf, type Link, readGraph } from './graph.ts';
import { type Injected, injectDevice, injectSocket, isThere, MeshError, removeTarget, withRoot } from './inject.ts';
import { Pair } from './pair.ts';
import { isOfHost, reconcile } from './reconcile.ts';
import { RestIdentity } from './rest-identity.ts';
import { nobody, SaslIdentity, uidOf } from './sasl.ts';

/** How long a listener rests when no more files can be opened. */
export const acceptPause = 2_000;
const longestPasswd = 1024 * 1024;

interface Established {
  link: Link;
  injected: Injected;
  pairs: Set<Pair>;
  /** Ends the wait for the end of the consumer. */
  forget: () => void;
  /** Ends the pause of its listener. */
  resume: (() => void) | undefined;
}

export interface MeshOptions {
  /** Providers of HTTP are told who asks. */
  restIdentity: boolean;
}

export class Mesh {
  readonly #host: MeshHost;
  readonly #options: MeshOptions;
  readonly #links = new Map<string, Established>();
  /** What was said already, and still holds. */
  #said = new Set<string>();

  constructor(host: MeshHost, options: MeshOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Makes the links those of a graph. @throws Error when the document is no graph */
  follow(document: unknown): void {
    const { encode, startOf } = this.#host;
    const { links, complaints } = readGraph(document, startOf, (text) => encode(text).length);
    this.#mend();
    const known = new Map([...this.#links].map(([key, { link }]) => [key, link]));
    const failures = [...complaints];
    for (const effect of reconcile(known, links)) {
      if (effect.kind === 'drop') this.#drop(effect.key);
      else if (effect.kind === 'redirect') {
        const established = this.#links.get(keyOf(effect.link));
        if (established !== undefined) established.link = effect.link;
      } else {
        const why = this.#establish(effect.link);
        if (why !== undefined) failures.push(why);
      }
    }
    for (const failure of failures) if (!this.#said.has(failure)) this.#host.print('stderr', `${failure}\n`);
    this.#said = new Set(failures);
  }

  /** Takes every link away. */
  close(): void {
    for (const key of [...this.#links.keys()]) this.#drop(key);
  }

  /** A container may have removed what was put into it, or mounted something over it: then it is put there again. */
  #mend(): void {
    for (const [key, { link, injected }] of [...this.#links]) {
      if (link.consumerProcess === undefined || isThere(this.#host, link.consumerProcess, link.target, injected))
        continue;
      this.#drop(key);
    }
  }

  /** @returns why it could not be */
  #establish(link: Link): string | undefined {
    const { consumerProcess: consumer, providerProcess: provider, target } = link;
    if (consumer === undefined) return undefined;
    try {
      const injected =
        link.type === 'drm' && provider !== undefined
          ? injectDevice(this.#host, consumer, target, provider, link.socket)
          : injectSocket(this.#host, consumer, target);
      const key = keyOf(link);
      // A container that has ended is not to be held back by a socket in its file systems.
      const forget = this.#host.whenEnded(consumer.pid, () => this.#drop(key));
      this.#links.set(key, { link, injected, pairs: new Set(), forget, resume: undefined });
      if (injected.listener !== undefined) this.#listen(key, injected.listener);
      this.#host.print('stdout', `${link.consumer} has the service ${link.name} of ${link.provider} at ${target}\n`);
      return undefined;
    } catch (error) {
      return `cannot put the service ${link.name} into ${link.consumer} at ${target}: ${codeOf(error)}`;
    }
  }

  #drop(key: string): void {
    const established = this.#links.get(key);
    if (established === undefined) return;
    this.#links.delete(key);
    const { link, injected, pairs, forget, resume } = established;
    forget();
    resume?.();
    if (injected.listener !== undefined) this.#host.sockets.close(injected.listener);
    for (const pair of [...pairs]) pair.close();
    if (link.consumerProcess !== undefined) removeTarget(this.#host, link.consumerProcess, link.target, injected);
    this.#host.print('stdout', `${link.consumer} no longer has the service ${link.name} at ${link.target}\n`);
  }

  #listen(key: string, listener: number): void {
    this.#host.sockets.watch(listener, { read: true, write: false }, () => this.#accept(key, listener));
  }

  #accept(key: string, listener: number): void {
    const { sockets, after } = this.#host;
    const established = this.#links.get(key);
    if (established === undefined) return;
    let client: number | undefined;
    try {
      client = sockets.accept(listener);
    } catch (error) {
      if (!['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'].includes(codeOf(error))) return;
      this.#host.print('stderr', `cannot accept a connection of ${established.link.consumer}: ${codeOf(error)}\n`);
      sockets.watch(listener, { read: false, write: false }, () => {});
      established.resume = after(acceptPause, () => {
        established.resume = undefined;
        this.#listen(key, listener);
      });
      return;
    }
    if (client !== undefined) this.#connect(established, client);
  }

  #connect({ link, pairs }: Established, client: number): void {
    const { sockets } = this.#host;
    let provider: number;
    let filter: Filter | undefined;
    try {
      const uid = link.type === 'dbus' ? this.#uid(link) : 0;
      provider = this.#dial(link, uid);
      if (link.type === 'dbus') filter = new SaslIdentity(uid);
      if (link.type === 'rest' && this.#options.restIdentity)
        filter = new RestIdentity({ client: link.consumer, role: link.role });
    } catch (error) {
      sockets.close(client);
      this.#sayOnce(`cannot connect ${link.consumer} to ${link.socket} of ${link.provider}: ${codeOf(error)}`);
      return;
    }
    const pair: Pair = new Pair({
      host: this.#host,
      client,
      provider,
      descriptors: link.type !== 'rest',
      filter,
      ended: (why) => {
        pairs.delete(pair);
        if (why !== undefined)
          this.#host.print('stderr', `a connection of ${link.consumer} to ${link.name} was ended: ${why}\n`);
      },
    });
    pairs.add(pair);
  }

  #dial(link: Link, uid: number): number {
    const { files, sockets } = this.#host;
    const { providerProcess: provider } = link;
    const connect = (root: number) => {
      const found = files.openIn(root, link.socket, 'any');
      try {
        return sockets.connect(found, uid);
      } finally {
        sockets.close(found);
      }
    };
    if (provider !== undefined) return withRoot(this.#host, provider, connect);
    if (!isOfHost(link)) throw new MeshError('it does not run');
    const root = files.openRoot(this.#host.pid);
    try {
      return connect(root);
    } finally {
      sockets.close(root);
    }
  }

  /** User of a connection to a bus: that of the link, or the one that its role has in the provider. */
  #uid(link: Link): number {
    if (link.uid !== undefined) return link.uid;
    const { providerProcess: provider } = link;
    const { files } = this.#host;
    let passwd: string | undefined;
    try {
      if (provider !== undefined)
        passwd = withRoot(this.#host, provider, (root) => files.readIn(root, '/etc/passwd', longestPasswd));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#sayOnce(`cannot read the users of ${link.provider}: ${codeOf(error)}`);
    }
    const uid = uidOf(link.role, passwd);
    if (uid === undefined)
      this.#sayOnce(`${link.provider} has no user ${link.role}: ${link.consumer} is nobody to its ${link.name}`);
    return uid ?? nobody;
  }

  /** Says something that would be said again with each connection; once between two looks at the graph. */
  #sayOnce(text: string): void {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.#host.print('stderr', `${text}\n`);
  }
}
