import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Host } from '../ports.ts';
import { testText } from '../testing/text.ts';
import { createHashing } from './hashing.ts';
import { createNodeHost } from './index.ts';
import { createText } from './text.ts';

testText('node', createText);

describe('hashing', () => {
  it('hashes text as UTF-8 and bytes alike', () => {
    const { sha256 } = createHashing();
    assert.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    assert.equal(sha256('grün'), sha256(new TextEncoder().encode('grün')));
  });
});

it('the Node host has every door, and opens none by itself', () => {
  // A door that is missing here, or too many, does not compile.
  const every: Required<{ [Door in Exclude<keyof Host, 'init'>]: true }> = {
    files: true,
    mounts: true,
    containers: true,
    processes: true,
    http: true,
    httpClient: true,
    clock: true,
    hashing: true,
    text: true,
    signatures: true,
    network: true,
    streams: true,
    watchdogs: true,
    system: true,
  };
  assert.deepEqual(Object.keys(createNodeHost()).sort(), Object.keys(every).sort());
});
