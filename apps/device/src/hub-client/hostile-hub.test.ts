/** A whole device whose Hub answers anything at all: it goes on, asks in measured steps, and finds its way once the Hub has come to its senses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HttpAnswer, HttpCall, HttpClient, HttpTake } from '../host/http-client.ts';
import type { MemoryHost } from '../host/memory/host.ts';
import { encodeUtf8 } from '../host/memory/utf8.ts';
import { HostError } from '../host/ports.ts';
import { MemoryDevice, memoryRevision } from '../runtime/testing/memory-device.ts';

const environment = {
  PV_CONTROL_REMOTE: '1',
  PH_CREDS_HOST: 'http://hub',
  PV_LOG_LEVEL: '5',
  PV_REVISION_RETRIES: '2',
};
const sha = 'ab'.repeat(32);

/** What a Hub in its right mind answers. */
const goodAnswers: readonly (readonly [pattern: RegExp, body: unknown])[] = [
  [/^POST \/devices\/$/, { id: '0123456789abcdef01234567', prn: 'prn:::devices:/1', secret: 's', challenge: 'c' }],
  [/^POST \/auth\/login$/, { token: 't' }],
  [/^GET \/devices\/[^/]+$/, { id: '0123456789abcdef01234567', owner: 'prn:::accounts:/1' }],
  [/^GET \/devices\/[^/]+\/user-meta$/, { key: 'value' }],
  [/^GET \/trails\/$/, [{ id: '1' }]],
  [/^GET \/trails\/.*\/steps/, []],
];

/** What a Hub that has lost it puts into its answers. */
const oddBodies: readonly unknown[] = [
  null,
  [],
  {},
  [null],
  'text',
  { token: 7, id: [], owner: {}, prn: 1, secret: null },
  [{ rev: 1, state: {} }],
  [{ rev: 2, state: { '#spec': 'pantavisor-service-system@1', 'x/run.json': 3 }, progress: 'none', 'commit-msg': {} }],
  [
    {
      rev: 3,
      state: { '#spec': 'pantavisor-service-system@1', 'web/root.squashfs': sha },
      progress: { status: 'NEW' },
    },
  ],
  [{ rev: '4/../..', state: {} }],
  { 'signed-geturl': 'nowhere', size: -1 },
  { 'signed-geturl': 'http://hub/blob', size: '5', sha256sum: sha },
  { 'signed-puturl': 17 },
  Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key/${index}`, { deep: [index] }])),
];

class OddHub implements HttpClient {
  readonly #host: MemoryHost;
  #seed: number;
  isSane = false;
  requests = 0;
  polls = 0;

  constructor(host: MemoryHost, seed: number) {
    this.#host = host;
    this.#seed = seed;
  }

  #next(below: number): number {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (this.#seed >> 8) % below;
  }

  async request({ method, url }: HttpCall): Promise<HttpAnswer> {
    this.requests += 1;
    const target = `${method} ${url.replace(/^https?:\/\/[^/]+/, '')}`;
    const good = goodAnswers.find(([pattern]) => pattern.test(target))?.[1] ?? {};
    const answer = (status: number, text: string, headers = {}): HttpAnswer => ({
      status,
      headers,
      body: encodeUtf8(text),
    });
    if (this.isSane) {
      if (target.includes('/steps?')) this.polls += 1;
      return answer(200, JSON.stringify(good));
    }
    switch (this.#next(8)) {
      case 0:
        throw new HostError(['ECONNRESET', 'ETIMEDOUT', 'EPROTO', 'ECERT', 'ENOTFOUND'][this.#next(5)] ?? '', 'ask');
      case 1:
        await new Promise<void>((resolve) => this.#host.clock.after(60_000, resolve));
        throw new HostError('ETIMEDOUT', 'ask');
      case 2:
        return answer([100, 204, 301, 400, 401, 403, 404, 413, 429, 500, 503][this.#next(11)] ?? 0, 'no', {
          'retry-after': ['1', '-5', 'soon', '99999999'][this.#next(4)] ?? '',
        });
      case 3:
        return answer(200, JSON.stringify(good).slice(0, this.#next(20)));
      case 4:
        return { status: 200, headers: {}, body: Uint8Array.from({ length: this.#next(300) }, () => this.#next(256)) };
      case 5:
        return answer(200, JSON.stringify(good));
      default:
        return answer(200, JSON.stringify(oddBodies[this.#next(oddBodies.length)]));
    }
  }

  stream(_: HttpCall, { open, bytes }: HttpTake) {
    const ended = (async () => {
      if (!open({ status: [200, 404, 401, 503][this.#next(4)] ?? 0, headers: {} })) return;
      for (let count = this.#next(5); count > 0; count -= 1) {
        bytes(encodeUtf8('data: {"type":"step","what":"created"}\n\n'));
        bytes(Uint8Array.from({ length: this.#next(200) }, () => this.#next(256)));
        await new Promise<void>((resolve) => this.#host.clock.after(1 + this.#next(60_000), resolve));
      }
      if (this.#next(2) === 0) throw new HostError('ECONNRESET', 'listen');
    })();
    return { ended, close: () => {} };
  }

  async download(): Promise<{ complete: false; status: number; headers: Record<string, string> }> {
    this.requests += 1;
    if (this.#next(2) === 0) throw new HostError('ECONNRESET', 'download');
    return { complete: false, status: 404, headers: {} };
  }
}

test('a Hub that answers garbage harms nothing, is not stormed, and is found again when it is well', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1 }), async (seed) => {
      let hub: OddHub | undefined;
      const device = await MemoryDevice.install(
        (host) => {
          hub = new OddHub(host, seed);
          host.httpClient = hub;
          return memoryRevision(host, [{ name: 'web' }]);
        },
        { environment, seed },
      );
      assert.ok(hub);
      await device.ready();
      const minutes = 30;
      await device.host.advance(minutes * 60_000);
      assert.equal((await device.statuses()).web, 'STARTED');
      assert.equal(device.host.record.exitCode, undefined);
      assert.ok(hub.requests < minutes * 60 * 2, `${hub.requests} requests in ${minutes} minutes`);
      hub.isSane = true;
      await device.host.runUntil(() => (hub?.polls ?? 0) > 0, 3 * 3_600_000);
      assert.equal((await device.statuses()).web, 'STARTED');
      const { body } = await device.request('GET', '/device-meta');
      assert.equal(JSON.parse(body)['pantahub.state'], 'idle');
      await device.stop();
    }),
    { numRuns: 15 },
  );
});
