import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineTables } from './tables.ts';
import { resumeTable } from './updates/resume.ts';

test('each table has a head, a rule and one line for each row', () => {
  const { statusDiagram, ...tables } = engineTables();
  assert.ok(statusDiagram.startsWith('stateDiagram-v2\n'));
  for (const [name, text] of Object.entries(tables)) {
    const lines = text.trimEnd().split('\n');
    assert.ok(lines.length > 3, name);
    assert.equal(new Set(lines.map((line) => line.replaceAll('\\|', '').split('|').length)).size, 1, name);
  }
  assert.equal(tables.resume.trimEnd().split('\n').length, resumeTable.length + 2);
  assert.ok(tables.failures.includes('| `superseded` | WONTGO | – | `Update aborted` |'));
});
