import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerStatuses } from './protocol.ts';
import { statusDiagram, statusTable } from './status.ts';

test('every status can be reached and can be left, except that STOPPED may stay', () => {
  const reached = new Set(containerStatuses.flatMap((from) => Object.values(statusTable[from])));
  for (const status of containerStatuses) {
    assert.ok(status === 'NONE' || reached.has(status), `${status} can be reached`);
    assert.ok(Object.keys(statusTable[status]).length > 0, `${status} can be left`);
  }
});

test('the diagram has one line for each move of the table', () => {
  const moves = containerStatuses.reduce((sum, from) => sum + Object.keys(statusTable[from]).length, 0);
  const lines = statusDiagram().trimEnd().split('\n');
  assert.equal(lines.length, moves + 2);
  assert.ok(lines.includes('  STARTED --> READY: signal ready'));
});
