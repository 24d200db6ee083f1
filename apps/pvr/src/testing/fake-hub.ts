/** A hub that does what a test says: the transfer protocol with log-in, and faults on demand. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface FakeHub {
  url: string;
  /** Method and path of each request, in order. */
  calls: string[];
  state: Record<string, unknown>;
  blobs: Map<string, Buffer>;
  /** Bodies of posted revisions. */
  posts: { body: string; type: string | undefined }[];
  /** Tokens that are good now. */
  tokens: Set<string>;
  /** Asked for each request; what it does itself (true) the hub leaves alone. */
  fault(request: IncomingMessage, response: ServerResponse): boolean;
}

/** @param options `open`: nobody has to log in */
export async function startFakeHub(context: TestContext, options: { open?: boolean } = {}): Promise<FakeHub> {
  const hub: FakeHub = {
    url: '',
    calls: [],
    state: { '#spec': 'pantavisor-service-system@1' },
    blobs: new Map(),
    posts: [],
    tokens: new Set(),
    fault: () => false,
  };
  let logins = 0;
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    hub.calls.push(`${request.method} ${request.url}`);
    if (hub.fault(request, response)) {
      request.resume();
      return;
    }
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => {});
    request.on('end', () => answer(request, response, Buffer.concat(pieces)));
  });
  const answer = (request: IncomingMessage, response: ServerResponse, body: Buffer): unknown => {
    const path = request.url ?? '';
    const send = (status: number, value: unknown, headers: Record<string, string> = {}): unknown => {
      return response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(typeof value === 'string' ? value : JSON.stringify(value));
    };
    const blob = /^\/blob\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (blob !== undefined) {
      if (request.method === 'PUT') {
        const matches = createHash('sha256').update(body).digest('hex') === blob;
        if (matches) hub.blobs.set(blob, body);
        return send(matches ? 200 : 400, {});
      }
      const found = hub.blobs.get(blob);
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (!found) return send(404, { msg: 'no such object' });
      return response.writeHead(from > 0 ? 206 : 200).end(found.subarray(from));
    }
    if (path === '/auth/login') {
      const { username, password } = JSON.parse(body.toString() || '{}');
      if (username === 'user' && password === 'right') {
        logins += 1;
        const token = `token-${logins}`;
        hub.tokens.add(token);
        return send(200, { token });
      }
      return send(401, { Error: 'Failed to login' });
    }
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (!options.open && !hub.tokens.has(token))
      return send(
        401,
        { Error: 'login' },
        { 'www-authenticate': `JWT realm="pantahub services", ph-aeps="${hub.url}/auth"` },
      );
    if (path === '/auth/auth_status') return send(200, { nick: 'user', prn: 'prn::accounts:/1', type: 'USER' });
    if (path === '/trail/.pvrremote')
      return send(200, {
        'pvr-spec': 'pvr-pantahub-1',
        'json-get-url': `${hub.url}/trail/state`,
        'objects-endpoint': `${hub.url}/objects`,
        'json-key': 'state',
        'post-url': `${hub.url}/trail/steps`,
        'post-fields': ['commit-msg'],
        'post-fields-opt': ['rev'],
      });
    if (path === '/trail/state') return send(200, hub.state);
    if (path === '/trail/steps') {
      hub.posts.push({ body: body.toString(), type: request.headers['content-type'] });
      return send(200, { rev: hub.posts.length, 'state-sha': 'abcdef0123456789', 'trail-id': 'device1' });
    }
    if (path === '/objects/') {
      const { sha256sum } = JSON.parse(body.toString());
      if (hub.blobs.has(sha256sum))
        return send(409, { 'signed-puturl': `${hub.url}/blob/${sha256sum}` }, { 'pantahub-object-type': 'object' });
      return send(200, { 'signed-puturl': `${hub.url}/blob/${sha256sum}` });
    }
    const sha = /^\/objects\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (sha !== undefined)
      return send(200, { 'signed-geturl': `${hub.url}/blob/${sha}`, size: String(hub.blobs.get(sha)?.length ?? 0) });
    return send(404, { msg: `no ${path}` });
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return hub;
}
