/** Signing of states, and the crypto port over Node, for tests. */
import { createPublicKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import { canonicalValue } from '../json/canonical.ts';
import { readJson } from '../json/reader.ts';
import type { SignatureAlgorithm } from '../signatures/header.ts';
import type { SignatureCrypto, VerificationKey } from '../signatures/port.ts';
import { payloadOf, selectMembers } from '../signatures/selection.ts';
import type { Signer } from './certificates.ts';

const digests: Record<SignatureAlgorithm, string> = {
  RS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};

export interface SigningRequest {
  algorithm: SignatureAlgorithm;
  privateKey: KeyObject;
  include: string[];
  exclude?: string[];
  /** Signer first. */
  chain?: Signer[];
  encoding?: 'der' | 'ieee-p1363';
  /** Members of the header to replace; undefined removes one. */
  header?: Record<string, unknown>;
}

/** Adds a signature under the key to the state and returns its canonical text. */
export function signState(state: Record<string, unknown>, key: string, request: SigningRequest): string {
  const { include, exclude = [], chain } = request;
  const header = {
    alg: request.algorithm,
    typ: 'PVS',
    pvs: { include, exclude },
    ...(chain ? { x5c: chain.map(({ certificate }) => certificate.toString('base64')) } : {}),
    ...request.header,
  };
  const encoded = Buffer.from(JSON.stringify(header)).toString('base64url');
  const text = canonicalValue(state);
  const { root } = readJson(text, { buildDepth: 1 });
  const members = root?.kind === 'object' ? root.members : [];
  const payload = payloadOf(text, selectMembers(members, include, exclude).included);
  const input = `${encoded}.${Buffer.from(payload).toString('base64url')}`;
  const signature = sign(digests[request.algorithm], Buffer.from(input), {
    key: request.privateKey,
    dsaEncoding: request.encoding ?? 'ieee-p1363',
  });
  const value = { '#spec': 'pvs@2', protected: encoded, signature: signature.toString('base64url') };
  return canonicalValue({ ...state, [key]: value });
}

export interface Trust {
  publicKey?: KeyObject;
  stores?: Record<string, Signer[]>;
}

/** The crypto port over Node's own functions. */
export function nodeCrypto(trust: Trust): SignatureCrypto {
  const certificateOf = (text: string): X509Certificate => new X509Certificate(Buffer.from(text, 'base64'));
  const keyOf = (key: VerificationKey): KeyObject | undefined =>
    key.kind === 'certificate'
      ? createPublicKey(certificateOf(key.certificate).publicKey.export({ type: 'spki', format: 'pem' }))
      : trust.publicKey;
  return {
    async verify(request) {
      const key = keyOf(request.key);
      if (!key) return { ok: false, reason: 'the device has no public key' };
      const input = Buffer.from(`${request.protected}.${Buffer.from(request.payload).toString('base64url')}`);
      const signature = Buffer.from(request.signature, 'base64url');
      const good = (['der', 'ieee-p1363'] as const).some((dsaEncoding) => {
        try {
          return verify(digests[request.algorithm], input, { key, dsaEncoding }, signature);
        } catch {
          return false;
        }
      });
      return good ? { ok: true } : { ok: false, reason: 'the signature does not fit the signed keys' };
    },
    async verifyChain(certificates, store) {
      const chain = certificates.map(certificateOf);
      const anchors = (trust.stores?.[store] ?? []).map(({ certificate }) => new X509Certificate(certificate));
      for (const [index, certificate] of chain.entries()) {
        const isIssuedBy = (issuer: X509Certificate): boolean =>
          certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
        if (anchors.some(isIssuedBy)) return { ok: true };
        const next = chain[index + 1];
        if (!next || !isIssuedBy(next)) break;
      }
      return { ok: false, reason: 'no certificate of the store issued it' };
    },
    async commonName(certificate) {
      const names = certificateOf(certificate)
        .subject.split('\n')
        .filter((line) => line.startsWith('CN='));
      return names.at(-1)?.slice(3);
    },
  };
}
