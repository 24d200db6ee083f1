/** Makes signatures of parts of a state: detached JWS over the canonical JSON of the selected keys (pvr §10). */
import { createPublicKey, type KeyObject, sign, type X509Certificate } from 'node:crypto';
import { canonicalValue, compareCodePoints } from '@pantavisor/state';
import { signaturePattern } from '../repository/glob.ts';
import { type StateDocument, valueText } from '../repository/values.ts';
import { algorithmOf } from './keys.ts';

export interface MatchLists {
  include: readonly string[];
  exclude: readonly string[];
}

const digests = { RS256: 'sha256', ES256: 'sha256', ES384: 'sha384', ES512: 'sha512' } as const;

export const base64url = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

/** Keys that are signed, and those that are left out on purpose. `#spec` is a key like others. */
export function selectKeys(
  state: StateDocument,
  { include, exclude }: MatchLists,
): { included: string[]; excluded: string[] } {
  const wanted = include.map(signaturePattern);
  const unwanted = exclude.map(signaturePattern);
  const all = ['#spec', ...state.values.keys()].sort(compareCodePoints);
  const excluded = all.filter((key) => unwanted.some((matches) => matches(key)));
  return { included: all.filter((key) => wanted.some((matches) => matches(key)) && !excluded.includes(key)), excluded };
}

/** The text that is signed: canonical JSON of the selected keys. */
export function payloadText(state: StateDocument, keys: readonly string[]): string {
  const members = keys.map((key) => {
    const value = key === '#spec' ? JSON.stringify(state.spec) : valueText(state.values.get(key)!);
    return `${canonicalValue(key)}:${value}`;
  });
  return `{${members.join(',')}}`;
}

/**
 * Signs.
 * @returns canonical text of a `pvs@2` document
 */
export function signState(
  state: StateDocument,
  lists: MatchLists,
  key: KeyObject,
  certificates: readonly X509Certificate[],
  withPayload: boolean,
): string {
  const algorithm = algorithmOf(key);
  const payload = payloadText(state, selectKeys(state, lists).included);
  // The order of the members is that of the original; verifiers use the bytes as they came.
  const header = {
    alg: algorithm,
    jwk: publicJwk(key),
    pvs: { include: lists.include, exclude: lists.exclude },
    typ: 'PVS',
    ...(certificates.length > 0 ? { x5c: certificates.map(({ raw }) => raw.toString('base64')) } : {}),
  };
  const encoded = base64url(JSON.stringify(header));
  const signature = sign(digests[algorithm], Buffer.from(`${encoded}.${base64url(payload)}`), {
    key,
    dsaEncoding: 'ieee-p1363',
  });
  return canonicalValue({
    '#spec': 'pvs@2',
    protected: encoded,
    signature: base64url(signature),
    // The original writes the ordinary alphabet here, without padding.
    ...(withPayload ? { payload: Buffer.from(payload).toString('base64').replace(/=+$/, '') } : {}),
  });
}

function publicJwk(key: KeyObject): Record<string, unknown> {
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  return jwk.kty === 'RSA' ? { kty: jwk.kty, n: jwk.n, e: jwk.e } : { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y };
}
