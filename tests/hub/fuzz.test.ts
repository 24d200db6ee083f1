import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { catalogue, fillPath, type Route } from '@pantavisor/hub-api';
import fc from 'fast-check';
import { World } from './support/world.ts';

type Schema = { type?: string; properties?: Record<string, Schema>; items?: Schema; anyOf?: Schema[] };

const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    'null',
    '../..',
    '%00',
    "'; drop table steps; --",
    '{"$where":"1"}',
    '\u0000',
    'prn:::devices:/',
    '9'.repeat(30),
    'latest',
    '2026-01-01T00:00:00Z',
  ),
);

/** Values that fit a schema of the API document, and values that nearly do. */
function fitting(schema: Schema | undefined): fc.Arbitrary<unknown> {
  const wild = fc.jsonValue({ maxDepth: 3 });
  if (schema === undefined) return wild;
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(fitting));
  const right: Record<string, () => fc.Arbitrary<unknown>> = {
    string: () => oddText,
    integer: () => fc.oneof(fc.integer(), fc.maxSafeInteger()),
    number: () => fc.double({ noNaN: true, noDefaultInfinity: true }),
    boolean: () => fc.boolean(),
    array: () => fc.array(fitting(schema.items), { maxLength: 4 }),
    object: () =>
      fc
        .tuple(
          fc.record(
            Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, part]) => [name, fitting(part)])),
            { requiredKeys: [] },
          ),
          fc.dictionary(oddText, wild, { maxKeys: 2 }),
        )
        .map(([known, more]) => ({ ...more, ...known })),
  };
  return fc.oneof({ weight: 6, arbitrary: right[schema.type ?? '']?.() ?? wild }, { weight: 1, arbitrary: wild });
}

/** Statuses that say "internal", as opposed to the 500s old clients expect for refusals. */
const isDefect = (status: number, reason: unknown) => status >= 500 && (reason === 'internal' || reason === undefined);

describe('nonsense', { timeout: 120_000 }, () => {
  let world: World;
  const tokens: string[] = [];
  const real: Record<string, string> = {};
  before(async () => {
    world = await World.start({ 'default-plan': 'UNLIMITED' });
    const owner = await world.person('fuzzed');
    const device = await world.installed(owner);
    tokens.push(owner.token, device.token, (await world.person('chief', 'admin')).token);
    Object.assign(real, {
      id: device.id,
      rev: '0',
      sha: device.sha,
      nick: 'fuzzed',
      usernick: 'fuzzed',
      ownernick: 'fuzzed',
      devicenick: device.nick,
      filename: 'x.tar',
      token: 'x',
    });
  });
  after(() => world.stop());

  const skipped = new Set(['events.stream', 'auth.logout', 'devices.remove', 'auth.login']);
  const requestsOf = (route: Route) => {
    const names = [...route.path.matchAll(/:([a-z]+)/gi)].map(([, name = '']) => name);
    const params = fc.record(
      Object.fromEntries(
        names.map((name) => [
          name,
          fc.oneof(
            oddText.filter((text) => text !== '' && text !== '.' && text !== '..'),
            fc.constant(undefined),
          ),
        ]),
      ),
    );
    const query = fitting(route.query as Schema | undefined).map((value) =>
      typeof value === 'object' && value !== null ? value : {},
    );
    return fc.record({
      params,
      query,
      body: fitting(route.body as Schema | undefined),
      garbage: fc.option(fc.uint8Array({ maxLength: 60 }), { freq: 8 }),
      who: fc.nat(2),
    });
  };

  for (const route of catalogue.filter(({ id }) => !skipped.has(id)))
    test(`${route.id} never answers with a defect`, () =>
      fc.assert(
        fc.asyncProperty(requestsOf(route), async ({ params, query, body, garbage, who }) => {
          const filled = Object.fromEntries(
            Object.entries(params).map(([name, value]) => [
              name,
              value === undefined ? (real[name] ?? 'x') : wellFormed(value),
            ]),
          );
          const search = new URLSearchParams(
            Object.entries(query).map(([name, value]) => [
              name,
              typeof value === 'string' ? value : JSON.stringify(value),
            ]),
          );
          const content = route.method === 'GET' ? {} : garbage === null ? { body } : { raw: garbage };
          const reply = await world.ask(route.method, `${fillPath(route.path, filled)}?${search}`, {
            token: tokens[who],
            ...content,
          });
          assert.ok(!isDefect(reply.status, reply.json?.reason), `${reply.status} ${reply.text}`);
        }),
        { numRuns: 12 },
      ));
});

/** Text that can stand in an address: lone surrogates cannot. */
const wellFormed = (text: string) => text.toWellFormed();
