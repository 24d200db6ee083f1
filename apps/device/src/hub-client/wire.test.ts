import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HostError } from '../host/ports.ts';
import { hubAddress, proxyOf } from './address.ts';
import { HubError, outcomeOf } from './connection.ts';
import { readUserMetadata } from './metadata-sync.ts';
import { pollPath, readOffer } from './steps.ts';
import { inParallel } from './transfers.ts';

test('the address of the Hub is https unless the host says otherwise', () => {
  const at = (PH_CREDS_HOST: string) => hubAddress({ PH_CREDS_HOST, PH_CREDS_PORT: 443 });
  assert.equal(at('api.example.org'), 'https://api.example.org:443');
  assert.equal(at('https://api.example.org/'), 'https://api.example.org:443');
  assert.equal(at('http://127.0.0.1'), 'http://127.0.0.1:443');
  assert.equal(at('2001:db8::1'), 'https://[2001:db8::1]:443');
});

test('a proxy is used when one is named', () => {
  const of = (PH_CREDS_PROXY_HOST: string | undefined, PH_CREDS_PROXY_NOPROXYCONNECT = 0) =>
    proxyOf({ PH_CREDS_PROXY_HOST, PH_CREDS_PROXY_PORT: 3218, PH_CREDS_PROXY_NOPROXYCONNECT });
  assert.equal(of(undefined), undefined);
  assert.equal(of(''), undefined);
  assert.deepEqual(of('proxy'), { host: 'proxy', port: 3218, tunnel: true });
  assert.deepEqual(of('http://[2001:db8::1]/', 1), { host: '2001:db8::1', port: 3218, tunnel: false });
});

test('the question for steps is the one that Hubs know', () => {
  assert.equal(
    pollPath('abc'),
    '/trails/abc/steps?progress.status=%7B%22$in%22:%5B%22NEW%22,%22DOWNLOADING%22,%22INPROGRESS%22,%22TESTING%22,%22QUEUED%22%5D%7D',
  );
});

test('the state of an offered step stays as it was sent, byte for byte', () => {
  const state = '{"#spec":"x", "n":1.50E0,"deep":{"a":[1,{"state":{}}]}}';
  const text = `[{"commit-msg":"a \\"b\\"","progress":{"status":"NEW","retries":2},"rev":7,"state":${state}},{"rev":8}]`;
  assert.deepEqual(readOffer(text), {
    revision: '7',
    state,
    progress: '{"status":"NEW","retries":2}',
    commitMessage: 'a "b"',
  });
  assert.equal(readOffer('[]'), undefined);
});

test('garbage instead of steps or metadata is refused and nothing else', () => {
  for (const text of ['', 'null', '{}', '[1]', '[{"rev":1}]', '[{"rev":"../x","state":{}}]', '[{"rev":-1,"state":{}}]'])
    assert.throws(() => readOffer(text), /cannot read/, text);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        const offer = readOffer(text);
        assert.ok(offer === undefined || /^\d{1,9}$/.test(offer.revision));
      } catch (error) {
        assert.match(String(error), /cannot read/);
      }
      const pairs = readUserMetadata(text) ?? [];
      for (const [key, value] of pairs) assert.ok(typeof key === 'string' && typeof value === 'string');
    }),
  );
});

test('user metadata: text as it is, other values as JSON, null is none', () => {
  assert.deepEqual(readUserMetadata('{"a":"x\\ny","b":{"c": 1.0},"d":null,"e":true}'), [
    ['a', 'x\ny'],
    ['b', '{"c": 1.0}'],
    ['e', 'true'],
  ]);
});

test('what an answer means: not now, never, not you, or nobody there', () => {
  const kinds = [400, 401, 403, 404, 429, 500, 503].map((status) => outcomeOf(new HubError('ask', status, '')).kind);
  assert.deepEqual(kinds, ['refused', 'credentials-refused', 'refused', 'refused', 'busy', 'busy', 'busy']);
  const busy = outcomeOf(new HubError('ask', 503, 'stopping', 2000));
  assert.equal(busy.kind === 'busy' && busy.retryAfterMs, 2000);
  assert.equal(outcomeOf(new HostError('ECONNREFUSED', 'GET x')).kind, 'unreachable');
  assert.equal(outcomeOf(new SyntaxError('bad JSON')).kind, 'refused');
});

test('work on many things never exceeds its limit, does each once, and collects failures', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 20 }),
      fc.integer({ min: 1, max: 6 }),
      async (items, limit) => {
        let running = 0;
        let done = 0;
        const failures = await inParallel(items, limit, async (good) => {
          running += 1;
          assert.ok(running <= limit);
          await Promise.resolve();
          running -= 1;
          done += 1;
          if (!good) throw new Error('bad');
        });
        assert.equal(done, items.length);
        assert.equal(failures.length, items.filter((good) => !good).length);
      },
    ),
  );
});
