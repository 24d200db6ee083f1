import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootValue, chooseRevision } from './choose.ts';

test('environment, command line, boot environment and factory revision count in this order', () => {
  const all = { environment: '1', cmdline: 'quiet pv_rev=2 pv_try= x', stored: '3' };
  assert.equal(chooseRevision(all), '1');
  assert.equal(chooseRevision({ ...all, environment: undefined }), '2');
  assert.equal(chooseRevision({ cmdline: 'quiet', stored: 'locals/x' }), 'locals/x');
  assert.equal(chooseRevision({ cmdline: '' }), '0');
});

test('a name that cannot be a revision is refused', () => {
  for (const name of ['../x', 'locals/a/b', 'current', '.new-1'])
    assert.throws(() => chooseRevision({ cmdline: `pv_rev=${name}` }), { code: 'revision-name' }, name);
});

test('boot environments are read pair by pair', () => {
  const text = 'pv_rev=locals/a\0pv_try=\0\0\0';
  assert.equal(bootValue(text, 'pv_rev'), 'locals/a');
  assert.equal(bootValue(text, 'pv_try'), undefined);
  assert.equal(bootValue(text, 'rev'), undefined);
});
