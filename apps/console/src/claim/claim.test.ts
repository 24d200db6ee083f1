import assert from 'node:assert/strict';
import { test } from 'node:test';
import { safeTarget } from '../session/target.ts';
import { claimAddress, readChallenge } from './read.ts';

test('id and challenge are found in whatever a device prints', () => {
  const id = '63593333a2ebef000a2fd62e';
  const wanted = { id, challenge: 'plainly-dynamic-wombat' };
  assert.deepEqual(
    readChallenge(`pvr claim -c plainly-dynamic-wombat https://api.example.org:443/devices/${id}`),
    wanted,
  );
  assert.deepEqual(readChallenge(`ID: ${id} (unclaimed)\nchallenge: plainly-dynamic-wombat`), wanted);
  assert.deepEqual(readChallenge(`plainly-dynamic-wombat ${id}`), wanted);
  assert.deepEqual(readChallenge(claimAddress('https://hub.example.org', id, wanted.challenge)), wanted);
  assert.deepEqual(readChallenge('nothing here'), { id: '', challenge: '' });
});

test('after a login one stays at this console', () => {
  const origin = 'https://hub.example.org';
  assert.equal(safeTarget('/u/ada/devices?q=x', origin), '/u/ada/devices?q=x');
  for (const evil of ['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)', undefined])
    assert.equal(safeTarget(evil, origin), '/');
});
