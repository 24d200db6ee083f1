import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { makeSignatureCases } from '../testing/signature-cases.ts';
import { testSignatures } from '../testing/signatures.ts';
import { createSignatures } from './signatures.ts';

testSignatures('node', async () => {
  const directory = mkdtempSync(`${tmpdir()}/node-host-signatures-`);
  return {
    signatures: createSignatures(),
    directory,
    cases: makeSignatureCases(directory),
    dispose: async () => rmSync(directory, { recursive: true }),
  };
});
