import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ubootBlock } from '../loader/uboot.ts';
import { chooseRevision, parseBootState } from './direct.ts';

test('what the image writes as boot state is read back, and nothing is no mistake', () => {
  assert.deepEqual(
    [...parseBootState(ubootBlock({ pv_rev: '5', pv_try: 'locals/x' }))],
    [
      ['pv_rev', '5'],
      ['pv_try', 'locals/x'],
    ],
  );
  assert.equal(parseBootState(new Uint8Array()).size, 0);
  assert.equal(parseBootState(Buffer.from('no entry\0=x\0pv_rev=1\0pv_rev=2\0')).get('pv_rev'), '1');
});

test('a revision is tried once, then the committed one is booted, then it may be tried again', () => {
  const armed = new Map([
    ['pv_rev', '1'],
    ['pv_try', '2'],
  ]);
  const first = chooseRevision(armed, '');
  assert.deepEqual(first, { revision: '2', tried: '2', attempt: '2' });
  const second = chooseRevision(armed, first.tried);
  assert.deepEqual(second, { revision: '1', tried: '', attempt: '2' });
  assert.equal(chooseRevision(armed, second.tried).revision, '2');
  assert.equal(chooseRevision(new Map(), '2').revision, '0');
});

test('two boots in a row never try the same revision, whatever is stored', () => {
  const revision = fc.constantFrom('', '0', '1', 'locals/a');
  fc.assert(
    fc.property(fc.array(fc.record({ pv_rev: revision, pv_try: revision }), { minLength: 2 }), (boots) => {
      let tried = '';
      for (const stored of boots) {
        const before = tried;
        const next = chooseRevision(new Map(Object.entries(stored)), tried);
        tried = next.tried;
        if (tried !== '') assert.ok(tried !== before && next.revision === tried);
        else assert.equal(next.revision, stored.pv_rev || '0');
      }
    }),
  );
});
