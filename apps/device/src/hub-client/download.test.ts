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

type Machine = MemoryDevice['host'];

/** A device that is offered a step with one object, on a simulated machine. */
function install(
  download: (machine: Machine, wanted: HttpDownload) => Promise<HttpDownloaded>,
  environment: Record<string, string>,
  fails: (call: HttpCall) => boolean = () => false,
): Promise<MemoryDevice> {
  const prepare = (host: Machine) => {
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
      request: async (call: HttpCall): Promise<HttpAnswer> => {
        if (fails(call)) throw new HostError('ECONNRESET', 'ask');
        const target = `${call.method} ${call.url.replace('http://hub:443', '')}`;
        const found = answers.find(([pattern]) => pattern.test(target))?.[1] ?? {};
        return { status: 200, headers: {}, body: encodeUtf8(JSON.stringify(found)) };
      },
      stream: () => ({ ended: Promise.reject(new HostError('ECONNRESET', 'listen')), close: () => {} }),
      download: (wanted) => download(host, wanted),
    };
    host.httpClient = client;
    return revision;
  };
  const usual = { PV_CONTROL_REMOTE: '1', PH_CREDS_HOST: 'http://hub', PV_LOG_LEVEL: '3', PV_REVISION_RETRIES: '3' };
  return MemoryDevice.install(prepare, { environment: { ...usual, ...environment } });
}

test('a line that cuts and still brings something is asked again soon, and costs no retries', async () => {
  let connections = 0;
  let began = 0;
  let ended = 0;
  const device = await install(async (host, { path, admit }) => {
    connections += 1;
    began ||= host.clock.monotonic();
    const have = (await host.files.status(path))?.size ?? 0;
    const next = Math.min(content.length, have + most);
    await admit(next);
    await host.files.append(path, content.slice(have, next));
    if (next < content.length) throw new HostError('ECONNRESET', 'download');
    ended = host.clock.monotonic();
    return { complete: true, size: content.length, sha256: host.hashing.sha256(content) };
  }, {});
  await device.ready();
  await device.host.runUntil(() => ended > 0);
  assert.equal(connections, content.length / most);
  assert.ok(ended - began < 10 * 7000, `${ended - began} ms`);
  await device.stop();
});

test('a download keeps to the configured rate, and its waits do not count as silence', async () => {
  let took = 0;
  let patience = 0;
  const device = await install(
    async (host, { path, admit, idleTimeout }) => {
      patience = idleTimeout;
      const began = host.clock.monotonic();
      for (let have = 0; have < content.length; have += most) {
        assert.ok(await admit(have + most));
        await host.files.append(path, content.slice(have, have + most));
      }
      took = host.clock.monotonic() - began;
      return { complete: true, size: content.length, sha256: host.hashing.sha256(content) };
    },
    { PH_UPDATER_TRANSFER_MAX_RATE: '10000', PH_LIBEVENT_HTTP_TIMEOUT: '1' },
  );
  await device.ready();
  await device.host.runUntil(() => took > 0);
  // The first second is there in advance.
  assert.ok(took >= 9000 && took < 9500, `${took} ms`);
  assert.equal(patience, 1000 + Math.ceil((5 * 65_536_000) / 10_000));
  await device.stop();
});

test('a request whose connection fails is repeated at once as often as configured, one that may not be done twice is not', async () => {
  const times = new Map<string, number[]>();
  let done = false;
  let now = () => 0;
  const device = await install(
    async () => {
      done = true;
      throw new HostError('ECONNRESET', 'download');
    },
    { PH_LIBEVENT_HTTP_RETRIES: '2' },
    ({ method, url }) => {
      const what = `${method} ${new URL(url).pathname}`;
      const all = times.get(what) ?? [];
      times.set(what, [...all, now()]);
      return all.length < 2;
    },
  );
  now = () => device.host.clock.monotonic();
  await device.ready();
  await device.host.runUntil(() => done);
  const [first, second, third] = times.get('GET /trails/') ?? [];
  assert.deepEqual([second, third], [first, first]);
  const [registered, again] = times.get('POST /devices/') ?? [];
  assert.ok((again ?? 0) > (registered ?? 0), 'a device that registers twice leaves an orphan');
  await device.stop();
});
