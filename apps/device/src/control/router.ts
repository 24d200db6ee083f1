/** From a request to its one answer: host rule, path, method, caller, body limit - in the order of control.md §2 and §3. */
import { type Endpoint, type EndpointId, endpoints, refusals } from '@pantavisor/ctrl-api';
import type { HttpRequest, HttpResponse, Peer, TextCoding } from '../host/ports.ts';
import type { Caller } from '../runtime/facade.ts';
import { type Handler, RefusedError, readText, refuse, refuseWith } from './call.ts';

/** Handlers by endpoint. One that is absent is not offered: the endpoint is answered as an unknown one. */
export type Handlers = Readonly<Partial<Record<EndpointId, Handler>>>;

export interface RouterRequest {
  handlers: Handlers;
  callerOf(peer: Peer): Promise<Caller>;
  /** The running revision: callers are identified anew when it changes. */
  revision(): string | undefined;
  text: TextCoding;
  /** Told of failures that are ours, with the request line; the client only hears `Internal error`. */
  onFailure(request: string, error: unknown): void;
}

interface Route {
  id: EndpointId;
  endpoint: Endpoint;
  segments: readonly string[];
}

const routes: readonly Route[] = Object.entries<Endpoint>(endpoints).map(([id, endpoint]) => ({
  // The keys of the table are the ids; Object.entries only forgets their type.
  id: id as EndpointId,
  endpoint,
  segments: endpoint.path.split('/').slice(1),
}));
const isTemplate = ({ endpoint }: Route) => endpoint.path.includes('{');
const templates = routes.filter(isTemplate);
const plainRoutes: ReadonlyMap<string, readonly Route[]> = Map.groupBy(
  routes.filter((route) => !isTemplate(route)),
  ({ endpoint }) => endpoint.path,
);

/** Answer to what is no request at all, and to methods that HTTP has and the original's library has not. */
export const unsupportedProtocol = (status: 400 | 501): HttpResponse => ({
  status,
  headers: { 'Content-Type': 'text/html' },
  body: '{"Error": "Unsupported protocol"}',
});

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE']);
const localHost = /^(localhost(:[0-9]*)?)?$/i;
/** A variable is a name of a file or a container: longer ones match nothing. */
const longestSegment = 255;

/** Splits a target into path and query; an absolute one (RFC 9112 §3.2.2) counts as its path if it names this host. */
function splitTarget(target: string): { path: string; query: string } | undefined {
  const absolute = /^http:\/\/([^/?]*)(.*)$/i.exec(target);
  if (absolute && !localHost.test(absolute[1]!)) return undefined;
  const origin = absolute ? absolute[2]! : target;
  const mark = origin.indexOf('?');
  return mark < 0 ? { path: origin, query: '' } : { path: origin.slice(0, mark), query: origin.slice(mark + 1) };
}

/** Every endpoint at a path, with the values of its variables; fixed segments win over variables. */
function routesAt(path: string): { route: Route; parameters: string[] }[] {
  const plain = plainRoutes.get(path);
  if (plain) return plain.map((route) => ({ route, parameters: [] }));
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => segment.length > longestSegment)) return [];
  return templates.flatMap((route) => {
    if (route.segments.length !== segments.length) return [];
    const parameters: string[] = [];
    for (const [index, expected] of route.segments.entries()) {
      if (expected.startsWith('{')) parameters.push(segments[index]!);
      else if (expected !== segments[index]) return [];
    }
    return [{ route, parameters }];
  });
}

/**
 * Makes the handler of the control socket. It answers every request exactly once, whatever the endpoint's handler does;
 * undefined means that the connection is closed without an answer (a Host that is not this one).
 */
export function createRouter(options: RouterRequest): (request: HttpRequest) => Promise<HttpResponse | undefined> {
  const identify = rememberCallers(options);
  return async (request) => {
    const { method } = request;
    const target = splitTarget(request.target);
    if (!target || !localHost.test(request.headers.host ?? '')) return undefined;
    if (!knownMethods.has(method)) return unsupportedProtocol(501);
    const candidates = routesAt(target.path).filter(({ route }) => options.handlers[route.id]);
    if (candidates.length === 0) return refuseWith(400, `unknown endpoint: ${request.target}`);
    const wanted = method === 'HEAD' ? 'GET' : method;
    const found = candidates.find(({ route }) => route.endpoint.method === wanted);
    if (!found) return refuse('method-not-supported');
    try {
      const caller = await identify(request.peer);
      if (caller.kind === 'unknown') return refuse('unknown-caller');
      const { endpoint, id } = found.route;
      const handle = options.handlers[id]!;
      if (endpoint.role === 'mgmt' && caller.kind === 'container' && !caller.mgmt) return refuse('not-mgmt');
      const limit = typeof endpoint.body === 'number' ? endpoint.body : 0;
      const text = () => readText(request, limit, options.text);
      const { parameters } = found;
      return await handle({ caller, parameters, query: target.query, request, text });
    } catch (error) {
      if (error instanceof RefusedError) return refuse(error.code);
      options.onFailure(`${method} ${request.target}`, error);
      return refuseWith(refusals.internal.status, refusals.internal.text);
    }
  };
}

/**
 * Identifies callers once for each connection: the identity is that of the process that connected, so asking again later could only
 * find another process under the same pid. What a name may do is asked anew when the running revision changes.
 */
function rememberCallers({ callerOf, revision }: RouterRequest): (peer: Peer) => Promise<Caller> {
  const known = new WeakMap<Peer, { revision: string | undefined; caller: Caller }>();
  return async (peer) => {
    const current = revision();
    const remembered = known.get(peer);
    if (remembered && remembered.revision === current) return remembered.caller;
    const caller = await callerOf(peer);
    if (caller.kind !== 'unknown') known.set(peer, { revision: current, caller });
    return caller;
  };
}
