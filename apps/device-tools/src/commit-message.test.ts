import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fittingMessage, messageLimit } from './commit-message.ts';

const encode = (text: string) => new TextEncoder().encode(text);

test('a message is cut between characters, where the device would not take more', () => {
  assert.equal(fittingMessage('x'.repeat(300), encode), 'x'.repeat(messageLimit));
  assert.equal(fittingMessage(`${'x'.repeat(255)}é`, encode), 'x'.repeat(255));
  assert.equal(fittingMessage(`${'x'.repeat(252)}😀y`, encode), `${'x'.repeat(252)}😀`);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (message) => {
      const kept = fittingMessage(message, encode);
      assert.ok(message.startsWith(kept) && encode(kept).length <= messageLimit);
      const next = message.slice(kept.length)[Symbol.iterator]().next();
      if (!next.done) assert.ok(encode(kept + next.value).length > messageLimit);
    }),
  );
});
