import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogue, EventStreamParser, fillPath, HubClient, openApiDocument } from './index.ts';
import { authRoutes } from './routes/auth.ts';

test('names and addresses of routes are unique', () => {
  const ids = catalogue.map(({ id }) => id);
  const addresses = catalogue.map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(ids, [...new Set(ids)]);
  assert.deepEqual(addresses, [...new Set(addresses)]);
});

test('the API document names every route once', () => {
  const document = openApiDocument({ title: 'hub', version: '1' });
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map((operation) => (operation as { operationId: string }).operationId),
  );
  assert.deepEqual(ids.sort(), catalogue.map(({ id }) => id).sort());
  assert.doesNotThrow(() => JSON.parse(JSON.stringify(document)));
});

test('path parameters are escaped, a missing one is an error', () => {
  assert.equal(fillPath('/devices/:id/user-meta', { id: 'a b/c' }), '/devices/a%20b%2Fc/user-meta');
  assert.throws(() => fillPath('/devices/:id', {}), /parameter 'id' is missing/);
});

test('the client sends the bearer and turns a refusal into an error with its code', async () => {
  const seen: { url: string; authorization: string | null }[] = [];
  const client = new HubClient({
    baseUrl: 'http://hub/',
    token: 't',
    fetch: async (url, init) => {
      seen.push({ url: String(url), authorization: new Headers(init?.headers).get('authorization') });
      return new Response('{"reason":"wrong-credentials","msg":"no"}', { status: 401 });
    },
  });
  await assert.rejects(client.call(authRoutes.login, { body: { username: 'a', password: 'b' } }), {
    status: 401,
    reason: 'wrong-credentials',
  });
  assert.deepEqual(seen, [{ url: 'http://hub/auth/login', authorization: 'Bearer t' }]);
});

test('an event stream may be cut anywhere', () => {
  const text = ': hello\n\nid: 1\nevent: step\ndata: {"a":1}\n\nid: 2\r\ndata: x\ndata: y\r\n\n';
  const whole = new EventStreamParser().push(text);
  assert.deepEqual(whole, [
    { id: '1', event: 'step', data: '{"a":1}' },
    { id: '2', event: 'message', data: 'x\ny' },
  ]);
  const parser = new EventStreamParser();
  assert.deepEqual(
    [...text].flatMap((letter) => parser.push(letter)),
    whole,
  );
});
