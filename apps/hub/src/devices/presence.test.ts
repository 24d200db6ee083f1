import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Writer } from '../db/writer.ts';
import { Presence } from './presence.ts';

test('a device that listens counts as heard all the time, as long as it says something now and then', () => {
  const unused = {} as Writer;
  let now = 1_000_000;
  const presence = new Presence(unused, () => now);
  assert.equal(presence.seen('d'), undefined);
  const leave = presence.listen('d', '::1');
  const leaveToo = presence.listen('d', '::1');
  now += 60_000;
  assert.equal(presence.seen('d'), now);
  presence.note('d', now, '::1');
  now += 60_000;
  assert.equal(presence.seen('d'), now);
  now += 60_000;
  assert.equal(presence.seen('d'), now - 120_000, 'an open connection alone proves nothing');
  presence.note('d', now, '::1');
  leave();
  now += 1000;
  assert.equal(presence.seen('d'), now, 'its other stream is still open');
  leaveToo();
  assert.equal(presence.seen('d'), now - 1000);
});
