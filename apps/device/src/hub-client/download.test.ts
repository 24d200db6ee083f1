/** Downloads over a line that is cut again and again, on a simulated machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpAnswer, HttpCall, HttpClient, HttpDownload, HttpDownloaded } from '../host/http-client.ts';
import { encodeUtf8 } from '../host/memory/utf8.ts';
import { HostError } from '../host/ports.ts';
import { MemoryDevice, memoryRevision } from '../runtime/testing/memory-device.ts';

const content = 'x'.repeat(100_000);
/** Bytes that each connection carries. */
const most = 10_000;

test('a line that cuts and still brings something is asked again soon, and costs no retries', async () => {
  let connections = 0;
  let began = 0;
  let ended = 0;
  const device = await MemoryDevice.install(
    (host) => {
      const revision = memoryRevision(host, [{ name: 'web' }]);
      const id = host.hashing.sha256(content);
      const state = { ...JSON.parse(revision.state), '_config/web/large': id };
      const object = { id, sha256sum: id, size: String(content.length), 'signed-geturl': 'http://hub/blob' };
      const answers: readonly (readonly [pattern: RegExp, body: unknown])[] = [
        [/^POST \/devices\/$/, { id: 'd', prn: 'prn:::devices:/d', secret: 's' }],
        [/^POST \/auth\/login$/, { token: 't' }],
        [/^GET \/devices\/[^/]+$/, { id: 'd', owner: 'o' }],
        [/^GET \/trails\/$/, [{ id: 'd' }]],
        [/^GET \/trails\/.*\/steps/, [{ rev: 1, state, progress: { status: 'NEW' } }]],
        [/^GET \/objects\//, object],
      ];
      const client: HttpClient = {
        request: async ({ method, url }: HttpCall): Promise<HttpAnswer> => {
          const target = `${method} ${url.replace('http://hub:443', '')}`;
          const found = answers.find(([pattern]) => pattern.test(target))?.[1] ?? {};
          return { status: 200, headers: {}, body: encodeUtf8(JSON.stringify(found)) };
        },
        stream: () => ({ ended: Promise.reject(new HostError('ECONNRESET', 'listen')), close: () => {} }),
        download: async ({ path, admit }: HttpDownload): Promise<HttpDownloaded> => {
          connections += 1;
          began ||= host.clock.monotonic();
          const have = (await host.files.status(path))?.size ?? 0;
          const next = Math.min(content.length, have + most);
          await admit(next);
          await host.files.append(path, content.slice(have, next));
          if (next < content.length) throw new HostError('ECONNRESET', 'download');
          ended = host.clock.monotonic();
          return { complete: true, size: content.length, sha256: host.hashing.sha256(content) };
        },
      };
      host.httpClient = client;
      return revision;
    },
    {
      environment: { PV_CONTROL_REMOTE: '1', PH_CREDS_HOST: 'http://hub', PV_LOG_LEVEL: '3', PV_REVISION_RETRIES: '3' },
    },
  );
  await device.ready();
  await device.host.runUntil(() => ended > 0);
  assert.equal(connections, content.length / most);
  assert.ok(ended - began < 10 * 7000, `${ended - began} ms`);
  await device.stop();
});
