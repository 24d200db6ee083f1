/** What every implementation of the port `Signatures` promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SignatureRequest } from '@pantavisor/state';
import type { Signatures } from '../ports.ts';
import { type Fixture, on, timeLimit } from './expectations.ts';

/** Questions with their answers, made by another library; plain data, so that they can be asked in another process. */
export interface SignatureCases {
  verify: { title: string; request: SignatureRequest; fits: boolean; trust?: string }[];
  chains: { title: string; certificates: string[]; store: string; trusted: boolean }[];
  names: { title: string; certificate: string; name?: string }[];
}

export interface SignaturesFixture extends Fixture {
  signatures: Signatures;
  /** Directory of trust that the cases belong to; `trust` of a case is one below it. */
  directory: string;
  cases: SignatureCases;
}

/**
 * Registers the tests of the port `Signatures`.
 * @param name of the implementation
 * @param create a fresh fixture for each test
 */
export function testSignatures(name: string, create: () => Promise<SignaturesFixture>): void {
  const test = (title: string, body: (fixture: SignaturesFixture) => Promise<void>) =>
    it(title, { timeout: timeLimit }, on(create, body));
  describe(`signatures: ${name}`, () => {
    test('tells good signatures from others, of every algorithm and encoding', async ({
      signatures,
      directory,
      cases,
    }) => {
      assert.ok(cases.verify.length >= 15);
      for (const { title, request, fits, trust = '' } of cases.verify) {
        const verified = await signatures.trust(directory + trust).verify(request);
        assert.equal(verified.ok, fits, `${title}: ${JSON.stringify(verified)}`);
        if (!verified.ok) assert.ok(verified.reason.length > 0, title);
      }
    });
    test('follows chains of certificates to the store, and only those', async ({ signatures, directory, cases }) => {
      assert.ok(cases.chains.length >= 8);
      for (const { title, certificates, store, trusted } of cases.chains) {
        const verified = await signatures.trust(directory).verifyChain(certificates, store);
        assert.equal(verified.ok, trusted, `${title}: ${JSON.stringify(verified)}`);
        if (!verified.ok) assert.ok(verified.reason.length > 0, title);
      }
    });
    test('reads the last common name', async ({ signatures, directory, cases }) => {
      assert.ok(cases.names.length >= 3);
      for (const { title, certificate, name: expected } of cases.names)
        assert.equal(await signatures.trust(directory).commonName(certificate), expected, title);
    });
  });
}
