import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyDraft, breaksSignatures, type Draft, jsonText, withApp, withChange, withoutApp } from './draft.ts';
import { hashOf } from './hash.ts';
import { cursorPlace, placeOf } from './places.ts';

const base = {
  '#spec': 's',
  'web/run.json': { name: 'web' },
  'web/root.squashfs': 'a'.repeat(64),
  '_config/web/etc/x': 'b'.repeat(64),
  '_sigs/web.json': {},
  'db/run.json': {},
};
const draft: Draft = { base, changes: new Map() };

test('a change that changes nothing is none', () => {
  const changed = withChange(draft, 'web/run.json', { kind: 'json', text: '{"name":"x"}', value: { name: 'x' } });
  assert.equal(changed.changes.size, 1);
  const back = withChange(changed, 'web/run.json', {
    kind: 'json',
    text: jsonText(base['web/run.json']),
    value: base['web/run.json'],
  });
  assert.equal(back.changes.size, 0);
  assert.ok(breaksSignatures(changed));
});

test('an app is taken away, and brought from elsewhere, as a whole', () => {
  assert.deepEqual(Object.keys(applyDraft(withoutApp(draft, 'web'))), ['#spec', 'db/run.json']);
  const taken = withApp(base, 'web', {
    'web/run.json': { name: 'web', new: true },
    'web/more': 'c'.repeat(64),
    'other/run.json': {},
  });
  assert.deepEqual(Object.keys(taken), ['#spec', 'db/run.json', 'web/more', 'web/run.json']);
});

test('hashes are those of the hub', () => {
  assert.equal(
    hashOf(new TextEncoder().encode('abc')),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

test('a problem of the state is shown where it stands in its file', () => {
  const text = '{\n  "name": "web",\n  "volumes": ["a", 7]\n}';
  const { from, to } = placeOf(text, '/web~1run.json/volumes/1');
  assert.equal(text.slice(from, to), '7');
});

test('completion knows where the cursor is, however unfinished the text', () => {
  const at = (text: string) => cursorPlace(text, text.length);
  assert.deepEqual(at('{ "name": "web", "sta'), { path: [], due: 'name', typed: 'sta', from: 17, present: ['name'] });
  assert.deepEqual(at('{"auto_recovery": {"policy": "al').path, ['auto_recovery', 'policy']);
  assert.equal(at('{"auto_recovery": {"policy": "al').due, 'value');
  fc.assert(
    fc.property(fc.string(), fc.nat(), (text, where) => {
      cursorPlace(text, Math.min(where, text.length));
    }),
  );
});
