/** The port `Signatures` over Node's own cryptography (signatures.md §5, §6). */
import { createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { SignatureAlgorithm, SignatureCrypto, VerificationKey, Verified } from '@pantavisor/state';
import type { Signatures } from '../ports.ts';

const digests: Readonly<Record<SignatureAlgorithm, string>> = {
  RS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};
const pemCertificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

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
          const names = certificateOf(certificate).subject.split('\n');
          return names.findLast((line) => line.startsWith('CN='))?.slice(3);
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

/** Follows the chain from the signer; dates do not count, since a device may have no clock when it boots. */
async function leadsTo(chain: readonly X509Certificate[], bundle: string): Promise<Verified> {
  const anchors = ((await readFile(bundle, 'utf8')).match(pemCertificate) ?? []).map((pem) => new X509Certificate(pem));
  for (const [index, certificate] of chain.entries()) {
    const isIssuedBy = (issuer: X509Certificate) =>
      certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
    if (anchors.some((anchor) => anchor.raw.equals(certificate.raw) || isIssuedBy(anchor))) return { ok: true };
    const next = chain[index + 1];
    if (next === undefined || !isIssuedBy(next)) break;
  }
  return { ok: false, reason: 'no certificate of the store issued it' };
}
