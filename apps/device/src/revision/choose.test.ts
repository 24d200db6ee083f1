import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedRevision } from './choose.ts';

test('environment and command line count in this order', () => {
  const cmdline = 'quiet pv_rev=2 pv_try= x';
  assert.equal(namedRevision({ environment: '1', cmdline }), '1');
  assert.equal(namedRevision({ environment: undefined, cmdline }), '2');
  assert.equal(namedRevision({ environment: '', cmdline: 'pv_rev=1 pv_rev=locals/x' }), 'locals/x');
  for (const none of ['', 'quiet', 'pv_rev= x', 'not_pv_rev=3'])
    assert.equal(namedRevision({ cmdline: none }), undefined, none);
});

test('a name that cannot be a revision is refused', () => {
  for (const name of ['../x', 'locals/a/b', 'current', '.new-1'])
    assert.throws(() => namedRevision({ cmdline: `pv_rev=${name}` }), { code: 'revision-name' }, name);
});
