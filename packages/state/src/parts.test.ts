import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listParts } from './parts.ts';
import { objectId, run, stateText } from './testing/states.ts';

const a = objectId('a');

test('keys come together by part, with configuration and signature', () => {
  const text = stateText({
    'README.md': a,
    '_config/web/etc/x': a,
    '_sigs/bsp.json': {},
    '_sigs/gone.json': {},
    'bsp/run.json': {},
    'bsp/src.json': {},
    'oem/default.config': a,
    'web/run.json': run('web'),
    'web/src.json': {},
  });
  assert.deepEqual(listParts(text), [
    { name: 'web', kind: 'container', keys: ['web/run.json', 'web/src.json'], config: ['_config/web/etc/x'] },
    { name: 'bsp', kind: 'bsp', keys: ['bsp/run.json', 'bsp/src.json'], config: [], signature: '_sigs/bsp.json' },
    { name: 'gone', kind: 'directory', keys: [], config: [], signature: '_sigs/gone.json' },
    { name: 'oem', kind: 'directory', keys: ['oem/default.config'], config: [] },
    { name: '', kind: 'root', keys: ['#spec', 'README.md'], config: [] },
  ]);
});

test('what is no object has no parts', () => {
  for (const text of ['', '[]', '"x"', 'null']) assert.deepEqual(listParts(text), []);
});
