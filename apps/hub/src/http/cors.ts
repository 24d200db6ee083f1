import type { FastifyReply, FastifyRequest } from 'fastify';

/** Methods a browser may use on each mount (hub-api §1.5). */
const all = 'GET, POST, PUT, PATCH, DELETE, OPTIONS';
const methods: Record<string, string> = {
  devices: all,
  exports: all,
  apps: all,
  profiles: all,
  auth: 'GET, POST, PUT, DELETE, OPTIONS',
  trails: 'GET, POST, PUT, DELETE, OPTIONS',
  objects: 'GET, POST, PUT, DELETE, OPTIONS',
  logs: 'GET, POST, PUT, DELETE, OPTIONS',
  dash: 'GET, POST, PUT, DELETE, OPTIONS',
  subscriptions: 'GET, POST, PUT, DELETE, OPTIONS',
  tokens: 'GET, POST, PUT, DELETE, OPTIONS',
  changes: 'GET',
  events: 'GET',
  metrics: 'GET, OPTIONS',
  cron: 'PUT',
  callbacks: 'PUT',
  'local-s3': all,
  s3: all,
};
const headers =
  'Accept, Content-Type, Content-Length, X-Custom-Header, Origin, Authorization, Last-Event-ID, X-Trace-ID, Trace-Id, X-Request-ID, TraceID, ParentID, Uber-Trace-ID, traceparent, tracestate';
const allowedHeaders = new Set(headers.toLowerCase().split(', '));

/** Adds what a browser of another origin needs. The API takes bearer tokens, not cookies, so any origin may read. */
export function addCors(origin: string, reply: FastifyReply): void {
  reply.header('access-control-allow-origin', origin);
  reply.header('access-control-allow-credentials', 'true');
  reply.header('access-control-expose-headers', 'Pantahub-Object-Type, X-Request-ID, X-Total-Count, Retry-After');
  reply.header('vary', 'Origin');
}

/** Answers the question of a browser whether it may make a request. */
export function answerPreflight(request: FastifyRequest, reply: FastifyReply): void {
  const mount = request.url.split(/[/?]/)[1] ?? '';
  const method = request.headers['access-control-request-method'];
  const wanted = (request.headers['access-control-request-headers'] ?? '').toLowerCase().split(/\s*,\s*/);
  const anyHeader = mount === 'local-s3' || mount === 's3';
  const allowed = methods[mount];
  const fine =
    method !== undefined &&
    allowed?.split(', ').includes(method) === true &&
    (anyHeader || wanted.every((name) => name === '' || allowedHeaders.has(name)));
  if (!fine) {
    reply.code(403).type('application/json; charset=utf-8').send('{"Error":"Invalid Preflight Request"}');
    return;
  }
  reply.header('access-control-allow-methods', allowed);
  reply.header('access-control-allow-headers', anyHeader ? wanted.join(', ') : headers);
  reply.header('access-control-max-age', '3600');
  reply.code(200).send();
}
