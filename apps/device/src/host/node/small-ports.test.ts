import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createHashing } from './hashing.ts';
import { createNodeHost } from './index.ts';
import { createText } from './text.ts';

describe('hashing and text', () => {
  it('hashes text as UTF-8 and bytes alike', () => {
    const { sha256 } = createHashing();
    assert.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    assert.equal(sha256('grün'), sha256(new TextEncoder().encode('grün')));
  });
  it('keeps a byte order mark and replaces malformed bytes', () => {
    const { encode, decode } = createText();
    assert.equal(decode(encode('\ufeffgrün 🦊')), '\ufeffgrün 🦊');
    assert.equal(decode(Uint8Array.of(0x61, 0xff)), 'a\ufffd');
  });
});

it('the Node host has every door, and opens none by itself', () => {
  const doors = Object.keys(createNodeHost()).sort();
  const expected = [
    'files',
    'mounts',
    'containers',
    'processes',
    'http',
    'clock',
    'hashing',
    'text',
    'network',
    'system',
  ];
  assert.deepEqual(doors, expected.sort());
});
