import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeSigner } from '../testing/certificates.ts';
import { nodeCrypto, type SigningRequest, signState } from '../testing/signing.ts';
import { objectId, run } from '../testing/states.ts';
import { keyPattern } from './selection.ts';
import { type SecureBootMode, signatureMessages, verifySignatures } from './verify.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const curves = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
};
const crypto = nodeCrypto({ publicKey: rsa.publicKey });

const state: Record<string, unknown> = {
  '#spec': 'pantavisor-service-system@1',
  'README.md': objectId('d'),
  '_config/app/etc/x': objectId('e'),
  'app/lxc.container.conf': objectId('a'),
  'app/run.json': run('app', { text: 'é😀' }),
  'app/src.json': { template: 'x' },
  'bsp/kernel.img': objectId('b'),
};
const whole = { include: ['app/**', '_config/app/**', 'bsp/**', '#spec', '*.md'], exclude: ['app/src.json'] };
const byRsa: SigningRequest = { algorithm: 'RS256', privateKey: rsa.privateKey, ...whole };
const signed = signState(state, '_sigs/all.json', byRsa);

const modes: SecureBootMode[] = ['disabled', 'audit', 'lenient', 'strict'];
const messageIn = async (text: string, mode: SecureBootMode): Promise<string> =>
  (await verifySignatures(text, { mode }, crypto)).message;

interface ModeCase {
  name: string;
  text: string;
  /** Message in the modes audit, lenient, strict; empty means the state may run. */
  messages: [audit: string, lenient: string, strict: string];
}

const { invalid, uncovered, unreadable } = signatureMessages;
const modeCases: ModeCase[] = [
  { name: 'a state signed in full', text: signed, messages: ['', '', ''] },
  { name: 'a state without signatures', text: JSON.stringify(state), messages: ['', '', uncovered] },
  {
    name: 'a state signed in part',
    text: signState(state, '_sigs/app.json', { ...byRsa, include: ['app/**'] }),
    messages: ['', '', uncovered],
  },
  {
    name: 'a key added after signing',
    text: JSON.stringify({ ...JSON.parse(signed), 'new/file': objectId('f') }),
    messages: ['', '', uncovered],
  },
  {
    name: 'an object changed after signing',
    text: signed.replace(objectId('a'), objectId('f')),
    messages: [invalid, invalid, invalid],
  },
  {
    name: 'a key added to a signed part',
    text: JSON.stringify({ ...JSON.parse(signed), 'app/file': objectId('f') }),
    messages: [invalid, invalid, invalid],
  },
  {
    name: 'a signature by another key',
    text: signState(state, '_sigs/all.json', { ...byRsa, privateKey: other.privateKey }),
    messages: [invalid, invalid, invalid],
  },
  { name: 'what is no JSON', text: `${signed}x`, messages: [unreadable, unreadable, unreadable] },
  { name: 'what is no object', text: '[]', messages: [unreadable, unreadable, unreadable] },
];
for (const { name, text, messages } of modeCases) {
  test(`${name} by mode`, async () => {
    const found = await Promise.all(modes.map((mode) => messageIn(text, mode)));
    assert.deepEqual(found, ['', ...messages]);
  });
}

test('the verdict tells what is signed, what is left out and what is open', async () => {
  const text = signState(state, '_sigs/app.json', { ...byRsa, include: ['app/**', '_config/app/**'] });
  const verdict = await verifySignatures(text, { mode: 'audit' }, crypto);
  assert.deepEqual(verdict.signatures, [
    {
      key: '_sigs/app.json',
      valid: true,
      algorithm: 'RS256',
      included: ['_config/app/etc/x', 'app/lxc.container.conf', 'app/run.json'],
      excluded: ['app/src.json'],
    },
  ]);
  assert.deepEqual(verdict.uncovered, ['#spec', 'README.md', 'bsp/kernel.img']);
  assert.deepEqual(verdict.uncoveredParts, ['', 'bsp']);
  assert.deepEqual(
    verdict.reasons.map(({ code, key }) => [code, key]),
    [
      ['key-uncovered', '#spec'],
      ['key-uncovered', 'README.md'],
      ['key-uncovered', 'bsp/kernel.img'],
    ],
  );
});

for (const [algorithm, { privateKey, publicKey }] of Object.entries(curves)) {
  for (const encoding of ['der', 'ieee-p1363'] as const) {
    test(`${algorithm} signatures in the encoding ${encoding}`, async () => {
      const text = signState(state, '_sigs/all.json', {
        ...byRsa,
        algorithm: algorithm as 'ES256',
        privateKey,
        encoding,
      });
      const verdict = await verifySignatures(text, { mode: 'strict' }, nodeCrypto({ publicKey }));
      assert.deepEqual([verdict.ok, verdict.message], [true, '']);
      assert.equal((await verifySignatures(text, { mode: 'strict' }, crypto)).message, invalid);
    });
  }
}

const wrongHeaders: [name: string, header: Record<string, unknown>, reason: RegExp][] = [
  ['another type', { typ: 'JWT' }, /not PVS/],
  ['no type', { typ: undefined }, /not PVS/],
  ['an unknown algorithm', { alg: 'none' }, /"none" is unknown/],
  ['no algorithm', { alg: undefined }, /is missing/],
  ['no selection', { pvs: undefined }, /no pvs\.include/],
  ['no exclusion', { pvs: { include: [] } }, /no pvs\.include or pvs\.exclude/],
  ['an empty chain', { x5c: [] }, /empty/],
];
for (const [name, header, reason] of wrongHeaders) {
  test(`a header with ${name} makes the signature invalid`, async () => {
    const verdict = await verifySignatures(
      signState(state, '_sigs/all.json', { ...byRsa, header }),
      { mode: 'lenient' },
      crypto,
    );
    assert.equal(verdict.message, invalid);
    assert.match(verdict.signatures[0]?.reason ?? '', reason);
    assert.match(verdict.reasons[0]?.message ?? '', /^cannot accept the signature _sigs\/all\.json: /);
  });
}

test('values that are no signatures are none', async () => {
  const others = {
    '_sigs/a.json': { '#spec': 'pvs@2', protected: 'x' },
    '_sigs/b.json': { '#spec': 'pvs@2', signature: 'x' },
    '_sigs/c.json': { '#spec': 'pvs@1', protected: 'x', signature: 'x' },
    '_sigs/d.json': ['pvs@2'],
    '_sigs/e': objectId('1'),
  };
  const verdict = await verifySignatures(JSON.stringify({ ...state, ...others }), { mode: 'lenient' }, crypto);
  assert.deepEqual([verdict.ok, verdict.signatures], [true, []]);
  const elsewhere = await verifySignatures(signState(state, 'odd/place.json', byRsa), { mode: 'lenient' }, crypto);
  assert.deepEqual(
    elsewhere.signatures.map(({ key, valid }) => [key, valid]),
    [['odd/place.json', true]],
  );
});

test('several signatures add up, and each must be valid', async () => {
  const app = signState(state, '_sigs/app.json', { ...byRsa, include: ['app/**', '_config/**'] });
  const both = signState(JSON.parse(app), '_sigs/bsp.json', {
    ...byRsa,
    include: ['bsp/**', '#spec', 'README.md', 'app/*.conf'],
    exclude: [],
  });
  assert.equal(await messageIn(both, 'strict'), '');
  assert.equal(await messageIn(both.replace(objectId('b'), objectId('f')), 'lenient'), invalid);
});

test('white space between members does not matter, within values it does', async () => {
  const members = Object.entries(JSON.parse(signed));
  const spread = `{\n ${members.map(([key, value]) => `${JSON.stringify(key)} :\t${JSON.stringify(value)}`).join(' ,\n ')}\n}`;
  assert.equal(await messageIn(spread, 'strict'), '');
  assert.equal(await messageIn(signed.replace('{"template":', '{ "template":'), 'strict'), '', 'left out');
  assert.equal(await messageIn(signed.replace('"config":', '"config": '), 'lenient'), invalid);
});

test('the order of members is part of what is signed', async () => {
  const reversed = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(signed)).reverse()));
  assert.equal(await messageIn(reversed, 'lenient'), invalid);
});

test('no character of what is signed can change', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(signed.length - 1), fc.constantFrom('x', '0', ' ', '"', '{', '\\'), async (at, put) => {
      const changed = signed.slice(0, at) + put + signed.slice(at + 1);
      if (changed === signed) return;
      const verdict = await verifySignatures(changed, { mode: 'strict' }, crypto);
      if (verdict.ok) {
        // Only what the signature leaves out on purpose, or what is below _sigs, may differ: here the src.json.
        const kept = JSON.parse(changed);
        const original = JSON.parse(signed);
        for (const key of verdict.signatures[0]?.included ?? []) assert.deepEqual(kept[key], original[key]);
        const outside = (object: object): string[] => Object.keys(object).filter((key) => !key.startsWith('_sigs/'));
        assert.deepEqual(outside(kept), outside(original));
      }
    }),
    { numRuns: 400 },
  );
});

const root = makeSigner('root');
const middle = makeSigner('middle', root);
const leaf = makeSigner('acme', middle);
const oemRoot = makeSigner('oem root');
const oemLeaf = makeSigner('acme', oemRoot);
const stores = { 'ca-certificates': [root], 'ca-oem-certificates': [oemRoot], special: [oemRoot] };
const chained = nodeCrypto({ stores });
const byChain = (chain: (typeof leaf)[], request: Partial<SigningRequest> = {}): string =>
  signState(state, '_sigs/x.json', {
    algorithm: 'ES256',
    privateKey: chain[0]?.privateKey ?? rsa.privateKey,
    ...whole,
    chain,
    ...request,
  });

test('certificates are followed to the trust store', async () => {
  const full = await verifySignatures(byChain([leaf, middle]), { mode: 'strict' }, chained);
  assert.deepEqual([full.ok, full.signatures[0]?.trustStore], [true, 'ca-certificates']);
  const broken = await verifySignatures(byChain([leaf]), { mode: 'strict' }, chained);
  assert.equal(broken.message, invalid);
  assert.match(broken.signatures[0]?.reason ?? '', /do not lead to ca-certificates/);
  const stranger = await verifySignatures(byChain([oemLeaf]), { mode: 'strict' }, chained);
  assert.equal(stranger.ok, false);
  const named = await verifySignatures(byChain([oemLeaf]), { mode: 'strict', trustStore: 'special' }, chained);
  assert.deepEqual([named.ok, named.signatures[0]?.trustStore], [true, 'special']);
});

test('the signer must hold the key of the first certificate', async () => {
  const verdict = await verifySignatures(
    byChain([leaf, middle], { privateKey: oemLeaf.privateKey }),
    { mode: 'strict' },
    chained,
  );
  assert.equal(verdict.message, invalid);
});

test('an OEM signs its own way, but neither bsp nor the part of its name', async () => {
  const store = async (include: string[], chain = [oemLeaf], oemName = 'acme') => {
    const verdict = await verifySignatures(byChain(chain, { include }), { mode: 'lenient', oemName }, chained);
    return [verdict.ok, verdict.signatures[0]?.trustStore];
  };
  assert.deepEqual(await store(['app/**']), [true, 'ca-oem-certificates']);
  assert.deepEqual(await store(['app/**', 'bsp/**']), [false, 'ca-certificates']);
  assert.deepEqual(await store(['app/**'], [oemLeaf], 'somebody'), [false, 'ca-certificates']);
  assert.deepEqual(await store(['app/**'], [oemLeaf], 'app'), [false, 'ca-certificates']);
  assert.deepEqual(await store(['app/**'], [leaf, middle]), [false, 'ca-oem-certificates']);
});

test('patterns of a directory match it and all below, the pattern of everything nothing', () => {
  const matches = (pattern: string, ...keys: string[]): boolean[] => keys.map(keyPattern(pattern));
  assert.deepEqual(matches('app/**', 'app', 'app/a', 'app/a/b', 'application/a', 'x/app/a'), [
    true,
    true,
    true,
    false,
    false,
  ]);
  assert.deepEqual(matches('_config/*/**', '_config/a/b', '_config/a', '_config', 'a/b/c'), [true, true, false, false]);
  assert.deepEqual(matches('**', 'app', '#spec', 'a/b'), [false, false, false]);
  assert.deepEqual(matches('#spec', '#spec', 'x/#spec'), [true, false]);
});
