import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SignatureCheck } from './pvr.ts';
import { combined, signatureProblems } from './signing.ts';

const uncovered = (key: string) => ({ code: 'key-uncovered', key, message: `no signature covers ${key}` }) as const;
const invalid = (key: string) =>
  ({ code: 'signature-invalid', key, message: `cannot accept the signature ${key}` }) as const;
const recipe = (config: Record<string, string>) => ({ config, initramfs: {}, signing: {} });
const check: SignatureCheck = {
  reasons: [
    ...['#spec', 'bsp/run.json', 'device.json', 'web/run.json', 'web/root.squashfs', '_config/db/x'].map(uncovered),
    invalid('_sigs/web.json'),
  ],
};

test('a device that wants everything signed refuses what is not, and each part is told how to become so', () => {
  const expected = [
    '_sigs/web.json: cannot accept the signature _sigs/web.json; sign that part again, or bring whom it is to be trusted by: "signing": {"authorities": "<file>"} of the recipe',
    '#spec, bsp/run.json, device.json: made here and not signed; bring a key: "signing": {"key": "<file>", "certificates": "<file>"} of the recipe',
    'web: not signed; in its repository: pvr sig add --part web, pvr add _sigs, pvr commit',
    'db: not signed; in its repository: pvr sig add --part db, pvr add _sigs, pvr commit',
  ];
  assert.deepEqual(signatureProblems(recipe({ PV_SECUREBOOT_MODE: 'strict' }), check), expected);
  assert.deepEqual(signatureProblems(recipe({ PV_POLICY: 'prod' }), check), expected);
});

test('without that a device refuses what is signed badly, and nothing when it does not look', () => {
  assert.equal(signatureProblems(recipe({}), check).length, 1);
  assert.deepEqual(signatureProblems(recipe({ PV_SECUREBOOT_MODE: 'disabled' }), check), []);
});

test('of several whom a device trusts, one is enough', () => {
  const one = { reasons: [invalid('_sigs/a.json'), uncovered('a/x'), invalid('_sigs/b.json')] };
  const other = { reasons: [invalid('_sigs/b.json'), uncovered('b/x')] };
  assert.deepEqual(combined([one, other]).reasons, [invalid('_sigs/b.json')]);
  assert.deepEqual(combined([one]), one);
  assert.deepEqual(combined([]), { reasons: [] });
});
