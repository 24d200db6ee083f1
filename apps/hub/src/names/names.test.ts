import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IdSource, idOfPrn, isHexId, prnOf } from './ids.ts';
import { digestSecret, PasswordHasher } from './secrets.ts';
import { parseTime, wireTime } from './times.ts';
import { wordNames } from './words.ts';

test('ids are unique, ascending, and hold their second', () => {
  const ids = new IdSource();
  const made = Array.from({ length: 1000 }, () => ids.next(1_700_000_000_000));
  assert.equal(new Set(made).size, 1000);
  assert.ok(made.every(isHexId));
  assert.equal(Number.parseInt((made[0] ?? '').slice(0, 8), 16), 1_700_000_000);
  assert.equal(idOfPrn(prnOf.device('abc')), 'abc');
});

test('times go there and back', () => {
  assert.equal(wireTime(null), '0001-01-01T00:00:00Z');
  assert.equal(wireTime(0), '1970-01-01T00:00:00Z');
  assert.equal(wireTime(1_500_000_000_120), '2017-07-14T02:40:00.12Z');
  fc.assert(fc.property(fc.nat(4_000_000_000_000), (ms) => parseTime(wireTime(ms)) === ms));
  for (const wrong of ['', '2026-01-01', 'yesterday', '2026-13-01T00:00:00Z'])
    assert.equal(parseTime(wrong), undefined, wrong);
});

test('a secret fits its hash and nothing else does', async () => {
  const hasher = new PasswordHasher(1, 1);
  for (const stored of [await hasher.hash('secret'), digestSecret('secret')]) {
    assert.equal(await hasher.fits('secret', stored), true);
    assert.equal(await hasher.fits('Secret', stored), false);
    assert.ok(!stored.includes('secret'));
  }
  assert.equal(await hasher.fits('', ''), false);
});

test('a hash keeps the cost it was made with, and the first ones had the recommended cost', async () => {
  const cheap = await new PasswordHasher(1, 1, { memory: 64, passes: 1 }).hash('password');
  assert.match(cheap, /^argon2id\$m=64,t=1\$/);
  const hasher = new PasswordHasher(1, 1);
  assert.equal(await hasher.fits('password', cheap), true);
  assert.equal(await hasher.fits('Password', cheap), false);
  const nameless = (await hasher.hash('password')).replace('m=19456,t=2$', '');
  assert.equal(nameless.split('$').length, 3);
  assert.equal(await hasher.fits('password', nameless), true);
});

test('more logins than fit in the queue are told to come again', async () => {
  const hasher = new PasswordHasher(1, 1);
  const results = await Promise.allSettled([hasher.hash('a'), hasher.hash('b'), hasher.hash('c')]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  );
});

test('drawn names have the form people know', () => {
  assert.match(wordNames.nick(), /^[a-z]+_[a-z]+_[a-z]+$/);
  assert.match(wordNames.challenge(), /^[a-z]+-[a-z]+-[a-z]+$/);
  assert.match(wordNames.unclaimed(), /^__unregistered__[a-z]+_[a-z]{10}$/);
});
