/** The port `Signatures` over Node's own cryptography (signatures.md §5, §6). */
import { createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { SignatureAlgorithm, SignatureCrypto, VerificationKey, Verified } from '@pantavisor/state';
import type { Signatures } from '../ports.ts';
import { certificatesOfBundle, leadsToAnchor } from '../trust-chain.ts';

const digests: Readonly<Record<SignatureAlgorithm, string>> = {
  RS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};

const certificateOf = (base64: string) => new X509Certificate(Buffer.from(base64, 'base64'));
const explain = (error: unknown): Verified => ({
  ok: false,
  reason: error instanceof Error ? error.message : String(error),
});

/** Reads keys and certificates anew each time: verification is rare, and files of trust may be replaced. */
export function createSignatures(): Signatures {
  return {
    trust: (directory): SignatureCrypto => ({
      verify: async (request) => {
        try {
          const key = await keyOf(directory, request.key);
          const payload = Buffer.from(request.payload).toString('base64url');
          const input = Buffer.from(`${request.protected}.${payload}`);
          const signature = Buffer.from(request.signature, 'base64url');
          const digest = digests[request.algorithm];
          // Signers of both encodings are in use; only ECDSA keys have the choice.
          const good = (['der', 'ieee-p1363'] as const).some((dsaEncoding) =>
            fits(digest, input, key, dsaEncoding, signature),
          );
          return good ? { ok: true } : { ok: false, reason: 'it does not fit the signed keys' };
        } catch (error) {
          return explain(error);
        }
      },
      verifyChain: async (certificates, store) => {
        try {
          return await leadsTo(certificates.map(certificateOf), `${directory}/${store}.crt`);
        } catch (error) {
          return explain(error);
        }
      },
      commonName: async (certificate) => {
        try {
          const { CN: names } = certificateOf(certificate).toLegacyObject().subject as { CN?: string | string[] };
          return Array.isArray(names) ? names.at(-1) : names;
        } catch {
          return undefined;
        }
      },
    }),
  };
}

function fits(digest: string, input: Buffer, key: KeyObject, dsaEncoding: 'der' | 'ieee-p1363', signature: Buffer) {
  try {
    return verify(digest, input, { key, dsaEncoding }, signature);
  } catch {
    // A signature that cannot be of this encoding.
    return false;
  }
}

async function keyOf(directory: string, key: VerificationKey): Promise<KeyObject> {
  if (key.kind === 'certificate') return certificateOf(key.certificate).publicKey;
  const content = await readFile(`${directory}/pub.pem`);
  return content.includes('-----BEGIN')
    ? createPublicKey(content)
    : createPublicKey({ key: content, format: 'der', type: 'spki' });
}

async function leadsTo(chain: readonly X509Certificate[], bundle: string): Promise<Verified> {
  const anchors = certificatesOfBundle(await readFile(bundle, 'utf8')).flatMap(readable);
  return leadsToAnchor(chain, anchors, {
    isSame: (left, right) => left.raw.equals(right.raw),
    isIssuedBy: (certificate, issuer) =>
      mayIssue(issuer) && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
  });
}

/** A damaged certificate of a bundle trusts nobody, and does not spoil the others. */
function readable(base64: string): X509Certificate[] {
  try {
    return [certificateOf(base64)];
  } catch {
    return [];
  }
}

/** Certificates older than version 3 cannot say that they are no authority. The version is the first field of the signed part. */
function mayIssue(issuer: X509Certificate): boolean {
  const headerAt = (at: number) => at + 2 + (issuer.raw[at + 1]! & 0x80 ? issuer.raw[at + 1]! & 0x7f : 0);
  return issuer.ca || issuer.raw[headerAt(headerAt(0))] !== 0xa0;
}
