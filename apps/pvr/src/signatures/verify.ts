/** Verifies signatures as pvr does, and offers the same to the state package (pvr §10.5, signatures §5). */
import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import { readHeader, type SignatureAlgorithm, type SignatureCrypto, type Verified } from '@pantavisor/state';
import type { StateDocument } from '../repository/values.ts';
import { chainProblem } from './keys.ts';
import { base64url, type MatchLists, payloadText, selectKeys } from './sign.ts';

/** What signatures are checked against. */
export type Trust =
  | { kind: 'keys'; keys: readonly KeyObject[] }
  | { kind: 'authorities'; pool: readonly X509Certificate[] };

export interface SignatureDocument {
  protected: string;
  signature: string;
  text: string;
}

const digests: Readonly<Record<SignatureAlgorithm, string>> = {
  RS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};

/** Reads a value as a signature; undefined when it is none. */
export function readSignature(text: string): SignatureDocument | undefined {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const { protected: header, signature } = value;
    if (value['#spec'] !== 'pvs@2' || typeof header !== 'string' || typeof signature !== 'string') return undefined;
    return { protected: header, signature, text };
  } catch {
    return undefined;
  }
}

/** Signatures of a state by key, sorted. */
export function signaturesOf({ values }: StateDocument): Map<string, SignatureDocument> {
  const found = new Map<string, SignatureDocument>();
  for (const [key, value] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const signature = value.kind === 'inline' ? readSignature(value.text) : undefined;
    if (signature) found.set(key, signature);
  }
  return found;
}

/** Both encodings of ECDSA are met in the field (RFC 7518 §3.4, ASN.1). */
function verifyBytes(algorithm: SignatureAlgorithm, data: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  const digest = digests[algorithm];
  try {
    if (key.asymmetricKeyType === 'rsa') return verify(digest, data, key, signature);
    return (
      verify(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signature) ||
      verify(digest, data, { key, dsaEncoding: 'der' }, signature)
    );
  } catch {
    return false;
  }
}

/**
 * Verifies one signature over a state.
 * @returns the keys that it speaks of, or why it is not valid
 */
export function verifySignature(
  state: StateDocument,
  document: SignatureDocument,
  trust: Trust,
): { included: string[]; excluded: string[] } | string {
  const header = readHeader(document.protected);
  if (typeof header === 'string') return header;
  const lists: MatchLists = header;
  const selection = selectKeys(state, lists);
  const data = Buffer.from(`${document.protected}.${base64url(payloadText(state, selection.included))}`);
  const signature = Buffer.from(document.signature, 'base64url');
  let keys: readonly KeyObject[];
  if (trust.kind === 'keys') keys = trust.keys;
  else if (header.certificates) {
    let chain: X509Certificate[];
    try {
      chain = header.certificates.map((text) => new X509Certificate(Buffer.from(text, 'base64')));
    } catch {
      return 'its certificates cannot be read';
    }
    const problem = chainProblem(chain, trust.pool);
    if (problem !== undefined) return problem;
    keys = [chain[0]!.publicKey];
  } else
    keys = trust.pool
      .filter((certificate) => chainProblem([certificate], trust.pool) === undefined)
      .map(({ publicKey }) => publicKey);
  return keys.some((key) => verifyBytes(header.algorithm, data, signature, key))
    ? selection
    : 'it does not fit the files, or was made with another key';
}

/** What the state package needs to verify as a device does. Without a pool, certificates are taken as they are. */
export class NodeSignatureCrypto implements SignatureCrypto {
  readonly #trust: Trust | undefined;

  constructor(trust: Trust | undefined) {
    this.#trust = trust;
  }

  async verify(request: Parameters<SignatureCrypto['verify']>[0]): Promise<Verified> {
    const data = Buffer.from(`${request.protected}.${base64url(request.payload)}`);
    const signature = Buffer.from(request.signature, 'base64url');
    const keys =
      request.key.kind === 'certificate'
        ? [new X509Certificate(Buffer.from(request.key.certificate, 'base64')).publicKey]
        : this.#trust?.kind === 'keys'
          ? this.#trust.keys
          : (this.#trust?.pool.map(({ publicKey }) => publicKey) ?? []);
    if (keys.length === 0) return { ok: false, reason: 'no public key is known to check it with' };
    return keys.some((key) => verifyBytes(request.algorithm, data, signature, key))
      ? { ok: true }
      : { ok: false, reason: 'it does not fit the files, or was made with another key' };
  }

  async verifyChain(certificates: readonly string[]): Promise<Verified> {
    const trust = this.#trust;
    if (trust?.kind !== 'authorities') return { ok: true };
    try {
      const chain = certificates.map((text) => new X509Certificate(Buffer.from(text, 'base64')));
      const problem = chainProblem(chain, trust.pool);
      return problem === undefined ? { ok: true } : { ok: false, reason: problem };
    } catch {
      return { ok: false, reason: 'its certificates cannot be read' };
    }
  }

  async commonName(certificate: string): Promise<string | undefined> {
    const { subject } = new X509Certificate(Buffer.from(certificate, 'base64'));
    return subject
      .split('\n')
      .filter((line) => line.startsWith('CN='))
      .at(-1)
      ?.slice(3);
  }
}
