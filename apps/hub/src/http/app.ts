import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import { accepts, catalogue, type Route } from '@pantavisor/hub-api';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Compile } from 'typebox/compile';
import { hasScope } from '../auth/principal.ts';
import { serveConsole } from '../console/pages.ts';
import type { IdleKind } from '../devices/idle-answers.ts';
import type { Hub } from '../hub.ts';
import { prnOf } from '../names/ids.ts';
import { sessionSecret } from '../sessions/cookie.ts';
import { authenticate, bearerOf } from './authenticate.ts';
import { baseUrl, routedPath } from './base-url.ts';
import { Answer, type Call, type Served } from './call.ts';
import { addCors, answerPreflight } from './cors.ts';
import { asFailure, Failure, failureBody } from './failure.ts';
import { canonicalJson, compactJson, parseExactly } from './json.ts';
import type { Metrics } from './metrics.ts';
import { RateLimit } from './rates.ts';
import type { Shedder } from './shed.ts';

const json = 'application/json; charset=utf-8';
const mebibyte = 1024 * 1024;
/** The whole body of a JSON request must have come within this time; blobs only must not pause that long. */
const patience = 60_000;

interface Parts {
  hub: Hub;
  served: Served[];
  metrics: Metrics;
  shedder: Shedder;
}

/**
 * Builds the HTTP application from the routes and their handlers.
 * @throws Error when a route of the contract has no handler or a handler no route
 */
export function buildApp({ hub, served, metrics, shedder }: Parts): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: mebibyte,
    // One hop: what the proxy itself appended. Entries before it are the client's own words.
    trustProxy: hub.config['trust-proxy'] ? (_address: string, hop: number) => hop === 0 : false,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4096, querystringParser: parseQuery },
    rewriteUrl: (request) => routedPath(request.url ?? '/'),
    genReqId: makeRequestIds(),
    forceCloseConnections: 'idle',
    serverFactory: (listener) => tuned(createServer(serverOptions, shedder.guard(listener as RequestListener))),
  });
  // Content-Type is ignored: pvr posts JSON as text/plain and devices upload blobs as application/json (hub-api §1.3).
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-powered-by', 'go-json-rest');
    reply.header('x-request-id', request.id);
    if (request.headers.origin !== undefined) addCors(request.headers.origin, reply);
    if (request.headers['access-control-request-method'] !== undefined && request.method === 'OPTIONS') {
      answerPreflight(request, reply);
      return;
    }
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const seconds = reply.elapsedTime / 1000;
    const endpoint = request.routeOptions.url ?? '(none)';
    metrics.observe(endpoint, request.method, reply.statusCode, seconds);
    if (hub.log.isLevelEnabled('debug'))
      hub.log.debug(
        { id: request.id, method: request.method, route: endpoint, status: reply.statusCode, seconds },
        'request',
      );
    done();
  });
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
    sendFailure(hub, asFailure(error), request, reply);
  app.setErrorHandler(fail);
  const known = catalogue.map(({ path, method }) => ({ method, pattern: patternOf(path) }));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const code = known.some(({ pattern }) => pattern.test(path)) ? 'method-not-allowed' : 'no-such-route';
    return fail(new Failure(code, `cannot find ${request.method} of this path`), request, reply);
  });
  demandAll(served);
  const limits = {
    caller: new RateLimit(hub.config['rate-per-caller'], hub.clock),
    address: new RateLimit(hub.config['rate-per-address'], hub.clock),
  };
  app.register(async (blobs) => {
    blobs.removeAllContentTypeParsers();
    blobs.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const one of served) if (one.route.access === 'signed') add(blobs, hub, one, limits);
  });
  for (const one of served) if (one.route.access !== 'signed') add(app, hub, one, limits);
  serveConsole(app, hub);
  return app;
}

/** How often Node looks for requests that are late; its default of 30 s would triple the time-out of headers. */
export const serverOptions = { connectionsCheckingInterval: 2_000 };

/** Time-outs against clients that send or read a byte at a time (slow loris). */
export function tuned<S extends Server>(server: S): S {
  server.headersTimeout = 8_000;
  // Uploads may take as long as they need while bytes come; JSON bodies have their own clock.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 75_000;
  server.timeout = 120_000;
  server.maxHeadersCount = 100;
  return server;
}

type Limits = Record<'caller' | 'address', RateLimit>;

function add(app: FastifyInstance, hub: Hub, one: Served, limits: Limits): void {
  const { route, idle } = one;
  const validate = route.body === undefined ? undefined : Compile(route.body);
  const slow = async (request: FastifyRequest, reply: FastifyReply) => {
    const base = baseUrl(hub.config, request.raw);
    const secret = sessionSecret(request, base);
    const known = secret !== undefined && hub.sessions.knows(secret, hub.clock());
    if (!known && (route.access === 'open' || route.access === 'optional' || bearerOf(request) === undefined))
      limit(limits.address, request.ip);
    const principal = await authenticate(hub, route, request, base);
    if (principal !== undefined) limit(limits.caller, principal.prn);
    const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (route.path.startsWith('/auth/') && rawBody.length > 0) demandJsonType(request);
    const call = {
      hub,
      route,
      params: request.params,
      query: request.query,
      body: validate === undefined ? undefined : parseBody(route, rawBody, validate),
      rawBody,
      caller: principal,
      principal,
      address: request.ip,
      base,
      request,
    } as unknown as Call;
    return send(route, reply, await one.run(call));
  };
  const handler =
    idle === undefined
      ? slow
      : (request: FastifyRequest, reply: FastifyReply) => {
          const text = idleAnswer(hub, idle, request, limits);
          if (text === undefined) return slow(request, reply);
          if (route.style === 'canonical') reply.header('phjsonformat', 'gibson042-canonicaljson');
          return reply.type(json).send(text);
        };
  app.route({
    method: route.method,
    url: route.path,
    bodyLimit: route.bodyLimit ?? mebibyte,
    handler,
    ...(route.access === 'signed' || route.method === 'GET' ? {} : { onRequest: hurry }),
  });
}

/** What an idle device asks again and again, parsed once: decoding it costs more than the answer. */
const usualQuestions = new Map(
  [
    '',
    'progress.status=%7B%22$in%22:%5B%22NEW%22,%22DOWNLOADING%22,%22INPROGRESS%22,%22TESTING%22,%22QUEUED%22%5D%7D',
    'progress.status={"$in":["NEW","DOWNLOADING","INPROGRESS","TESTING","QUEUED"]}',
  ].map((text) => [text, Object.freeze(parseSearch(text))]),
);
const parseQuery = (text: string) => usualQuestions.get(text) ?? parseSearch(text);

/** Values of a query by name; of a name that comes twice the last one counts. */
function parseSearch(text: string): Record<string, string> {
  return Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(new URLSearchParams(text)));
}

/** The remembered answer for a device that asks about itself; undefined when the request has to go the long way. */
function idleAnswer(hub: Hub, kind: IdleKind, request: FastifyRequest, limits: Limits): string | undefined {
  const token = bearerOf(request);
  const principal = token === undefined ? undefined : hub.tokens.remembered(token);
  if (
    principal?.type !== 'DEVICE' ||
    !hasScope(principal, kind === 'steps' ? accepts.trails.read : accepts.devices.read)
  )
    return undefined;
  const { id } = request.params as { id: string };
  const query = request.url.indexOf('?');
  if (principal.prn !== prnOf.device(id) || !usualQuestions.has(query < 0 ? '' : request.url.slice(query + 1)))
    return undefined;
  const text = hub.idle.get(id, kind);
  if (text === undefined || limits.caller.take(principal.prn) > 0) return undefined;
  hub.presence.note(id, hub.clock(), request.ip);
  return text;
}

/** Cuts the connection of a client whose body does not arrive in time. */
function hurry(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  const { raw } = request;
  if (raw.headers['content-length'] !== undefined || raw.headers['transfer-encoding'] !== undefined) {
    const timer = setTimeout(() => raw.destroy(), patience);
    timer.unref();
    raw.once('close', () => clearTimeout(timer));
    raw.once('end', () => clearTimeout(timer));
  }
  done();
}

function limit(rates: RateLimit, key: string): void {
  const wait = rates.take(key);
  if (wait > 0)
    throw new Failure('too-many-requests', `cannot answer so many requests: wait ${wait} s`, {
      headers: { 'retry-after': String(wait) },
    });
}

function demandJsonType(request: FastifyRequest): void {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;\s*charset=utf-8\s*)?$/i.test(type))
    throw new Failure('wrong-content-type', 'cannot read the body: its type is not application/json');
}

type Validator = {
  Check(value: unknown): boolean;
  Errors(value: unknown): { instancePath: string; message: string }[];
};

function parseBody(route: Route, raw: Buffer, validator: Validator): unknown {
  if (raw.length === 0 && route.bodyOptional === true) return {};
  let value: unknown;
  try {
    value = parseExactly(raw.toString('utf8'));
  } catch (error) {
    if (route.bodyOptional === true) return {};
    throw new Failure('bad-json', `cannot read the body: it is not JSON (${(error as Error).message})`);
  }
  if (validator.Check(value)) return value;
  const problems = validator.Errors(value).slice(0, 5);
  const text = problems.map(({ instancePath, message }) => `${instancePath || 'the body'} ${message}`).join('; ');
  throw new Failure('bad-request', `cannot use the body: ${text}`);
}

function send(route: Route, reply: FastifyReply, result: unknown): FastifyReply {
  const answer = result instanceof Answer ? result : new Answer(200, result);
  reply.code(answer.status).headers(answer.headers);
  if (route.style === 'raw') return reply.send(answer.body);
  reply.type(json);
  if (route.style === 'canonical') reply.header('phjsonformat', 'gibson042-canonicaljson');
  return reply.send(
    route.style === 'canonical'
      ? canonicalJson(answer.body)
      : compactJson(answer.body, route.style === 'indented' ? 2 : 0),
  );
}

function sendFailure(hub: Hub, failure: Failure, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (failure.status >= 500 && failure.code === 'internal')
    hub.log.error(
      { id: request.id, method: request.method, route: request.routeOptions.url, err: failure.cause },
      failure.message,
    );
  const body = failureBody(failure, request.id, hub.clock());
  const sorted = request.url.startsWith('/trails');
  return reply
    .code(failure.status)
    .headers(failure.headers)
    .type(json)
    .send(sorted ? canonicalJson(body) : compactJson(body, request.url.startsWith('/auth') ? 2 : 0));
}

function patternOf(path: string): RegExp {
  const body = path
    .replace(/\/$/, '')
    .replaceAll('.', '\\.')
    .replaceAll(/:[a-z]+/gi, '[^/]+');
  return new RegExp(`^${body}/?$`);
}

function makeRequestIds(): (request: { headers: Record<string, string | string[] | undefined> }) => string {
  const start = Date.now().toString(36);
  let count = 0;
  return ({ headers }) => {
    const given = headers['x-request-id'];
    if (typeof given === 'string' && /^[\w.-]{1,64}$/.test(given)) return given;
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}

function demandAll(served: Served[]): void {
  const handled = new Set(served.map(({ route }) => route.id));
  const missing = catalogue.filter(({ id }) => !handled.has(id)).map(({ id }) => id);
  if (missing.length > 0) throw new Error(`cannot serve the contract: no handler for ${missing.join(', ')}`);
}
