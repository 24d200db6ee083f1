/** The part of `node:crypto` that the conformance suites use, over the port of the small host. */
import { Kernel } from '@pantavisor/small-host';
import { createHashing } from '../text.ts';

/** Only SHA-256 in hexadecimal. */
export function createHash(_algorithm: 'sha256') {
  let data: string | Uint8Array = '';
  const hash = {
    update(bytes: string | Uint8Array) {
      data = bytes;
      return hash;
    },
    digest: (_encoding: 'hex') => createHashing(new Kernel(machine)).sha256(data),
  };
  return hash;
}
