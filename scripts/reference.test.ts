import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { referencePages } from './reference.ts';

const checkout = fileURLToPath(new URL('../', import.meta.url));

for (const [path, text] of referencePages()) {
  test(`${path} says what the tables of the source say`, () => {
    assert.equal(readFileSync(checkout + path, 'utf8'), text, "run 'npm run docs' and commit the pages");
  });
}
