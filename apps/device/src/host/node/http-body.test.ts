/** Bodies whose client is gone before anybody looks at them: a hang here would keep a file open for ever. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { HostError } from '../ports.ts';
import { readBody, saveBody } from './http-body.ts';

/** A request whose whole body has come, whose client is gone, and of which nothing has been read. */
async function abandoned(t: TestContext): Promise<{ message: IncomingMessage; directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'http-body-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const server = createServer().listen(join(directory, 'socket'));
  t.after(() => server.close());
  await once(server, 'listening');
  const client = connect({ path: join(directory, 'socket') }).on('error', () => {});
  client.write('PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde');
  const [message] = (await once(server, 'request')) as [IncomingMessage];
  const closed = new Promise((resolve) => message.on('error', () => {}).on('close', resolve));
  client.destroy();
  await closed;
  assert.equal(message.complete, true);
  return { message, directory };
}

const cut = (error: unknown) => error instanceof HostError && error.code === 'ECONNRESET';

test('a body whose client left before it was read fails, and leaves no file', { timeout: 30_000 }, async (t) => {
  const { message, directory } = await abandoned(t);
  const path = join(directory, 'object');
  await assert.rejects(saveBody(message, path, 0o644), cut);
  assert.equal(existsSync(path), false);
});

test('a body of a client that left is not read into memory either', { timeout: 30_000 }, async (t) => {
  const { message } = await abandoned(t);
  await assert.rejects(readBody(message, 1024), cut);
});
