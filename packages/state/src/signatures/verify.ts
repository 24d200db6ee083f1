/** Verification of the pvs@2 signatures of a state, and what they cover (signatures.md). */
import { findMember, type JsonMember } from '../json/nodes.ts';
import { readJson } from '../json/reader.ts';
import { readHeader, type SignatureAlgorithm } from './header.ts';
import type { SignatureCrypto, VerificationKey, Verified } from './port.ts';
import { keyPattern, payloadOf, selectMembers } from './selection.ts';

/** `PV_SECUREBOOT_MODE`. */
export type SecureBootMode = 'disabled' | 'audit' | 'lenient' | 'strict';

export interface SignatureOptions {
  mode: SecureBootMode;
  /** `PV_SECUREBOOT_TRUSTSTORE`; default `ca-certificates`. */
  trustStore?: string;
  /** `PV_OEM_NAME`: signatures in this name over parts that an OEM may sign are checked against the OEM's store. */
  oemName?: string;
  /** `PV_SECUREBOOT_OEM_TRUSTSTORE`; default `ca-oem-certificates`. */
  oemTrustStore?: string;
}

export interface SignatureReason {
  code: 'state-unreadable' | 'signature-invalid' | 'key-uncovered';
  /** One sentence for people. */
  message: string;
  /** Key of the state that it is about. */
  key?: string;
}

/** One signature of the state and what became of it. */
export interface CheckedSignature {
  /** Key of the state that holds it. */
  key: string;
  valid: boolean;
  /** Why it is not valid. */
  reason?: string;
  algorithm?: SignatureAlgorithm;
  /** Trust store that its certificates were checked against; absent for the device's public key. */
  trustStore?: string;
  /** Keys that it signs. */
  included: string[];
  /** Keys that it leaves out on purpose; they count as covered. */
  excluded: string[];
}

/** Messages of the original for progress and the control socket. */
export const signatureMessages = {
  invalid: 'Signature validation failed',
  uncovered: 'State not fully covered by signatures',
  unreadable: 'Internal error',
} as const;

export interface SignatureVerdict {
  /** The state may be run. */
  ok: boolean;
  /** Empty when `ok`, else one of `signatureMessages`. */
  message: string;
  signatures: CheckedSignature[];
  /** Keys that no valid signature covers, in document order, without those below `_sigs/`. */
  uncovered: string[];
  /** First path components of uncovered keys; the name below `_config` for configuration, empty for files at the root. */
  uncoveredParts: string[];
  /** Everything found wrong, also where the mode lets it pass. */
  reasons: SignatureReason[];
}

/**
 * Verifies all signatures of a state document and finds what they leave open.
 *
 * Every signature must be valid, in every mode but `disabled`; only `strict` asks that every key outside `_sigs/` is
 * covered. `audit` reports what `strict` would refuse. Coverage is that of valid signatures, so a verdict of `lenient`
 * still tells what is signed.
 *
 * @param text the document as received; signatures are over its exact characters
 */
export async function verifySignatures(
  text: string,
  options: SignatureOptions,
  crypto: SignatureCrypto,
): Promise<SignatureVerdict> {
  const verdict: SignatureVerdict = {
    ok: true,
    message: '',
    signatures: [],
    uncovered: [],
    uncoveredParts: [],
    reasons: [],
  };
  if (options.mode === 'disabled') return verdict;
  const { root, problems } = readJson(text, { buildDepth: 1, maxDepth: 128 });
  if (problems.length > 0 || root?.kind !== 'object') {
    const message = 'cannot verify the signatures of a state that is no JSON object';
    verdict.reasons.push({ code: 'state-unreadable', message });
    return { ...verdict, ok: false, message: signatureMessages.unreadable };
  }

  const { members } = root;
  const covered = new Set<string>();
  for (const found of findSignatures(text, members)) {
    const checked = await check(text, members, found, options, crypto);
    verdict.signatures.push(checked);
    if (checked.valid) for (const key of [...checked.included, ...checked.excluded]) covered.add(key);
    else verdict.reasons.push({ code: 'signature-invalid', message: describe(checked), key: checked.key });
  }
  const open = members.map(({ key }) => key).filter((key) => !key.startsWith('_sigs/') && !covered.has(key));
  verdict.uncovered = [...new Set(open)];
  verdict.uncoveredParts = [...new Set(verdict.uncovered.map(partOf))];
  for (const key of verdict.uncovered) {
    verdict.reasons.push({ code: 'key-uncovered', message: `no signature covers ${key}`, key });
  }
  if (verdict.signatures.some(({ valid }) => !valid))
    return { ...verdict, ok: false, message: signatureMessages.invalid };
  if (options.mode === 'strict' && verdict.uncovered.length > 0) {
    return { ...verdict, ok: false, message: signatureMessages.uncovered };
  }
  return verdict;
}

function describe({ key, reason }: CheckedSignature): string {
  return `cannot accept the signature ${key}: ${reason ?? 'it is not valid'}`;
}

function partOf(key: string): string {
  return /^(?:_config\/)?([^/]+)\//.exec(key)?.[1] ?? '';
}

interface FoundSignature {
  key: string;
  protected: string;
  signature: string;
}

/** A signature is every value that says so, whatever its key; one that lacks a member is none (signatures §2). */
function findSignatures(text: string, members: readonly JsonMember[]): FoundSignature[] {
  return members.flatMap(({ key, value }) => {
    if (value.kind !== 'object') return [];
    const { root } = readJson(text, { start: value.start, end: value.end, buildDepth: 1 });
    if (root?.kind !== 'object') return [];
    const [spec, header, signature] = ['#spec', 'protected', 'signature'].map((name) => {
      const node = findMember(root, name)?.value;
      return node?.kind === 'string' ? node.value : undefined;
    });
    if (spec !== 'pvs@2' || header === undefined || signature === undefined) return [];
    return [{ key, protected: header, signature }];
  });
}

async function check(
  text: string,
  members: readonly JsonMember[],
  found: FoundSignature,
  options: SignatureOptions,
  crypto: SignatureCrypto,
): Promise<CheckedSignature> {
  const checked: CheckedSignature = { key: found.key, valid: false, included: [], excluded: [] };
  const header = readHeader(found.protected);
  if (typeof header === 'string') return { ...checked, reason: header };
  const { included, excluded } = selectMembers(members, header.include, header.exclude);
  checked.algorithm = header.algorithm;
  checked.included = included.map(({ key }) => key);
  checked.excluded = excluded.map(({ key }) => key);

  const [certificate] = header.certificates ?? [];
  const key: VerificationKey =
    certificate === undefined ? { kind: 'public-key' } : { kind: 'certificate', certificate };
  if (header.certificates && certificate !== undefined) {
    checked.trustStore = await chooseStore(certificate, checked.included, options, crypto);
    const trusted = await crypto.verifyChain(header.certificates, checked.trustStore);
    if (!trusted.ok)
      return { ...checked, reason: `its certificates do not lead to ${checked.trustStore}: ${trusted.reason}` };
  }
  const outcome: Verified = await crypto.verify({
    algorithm: header.algorithm,
    key,
    protected: found.protected,
    payload: payloadOf(text, included),
    signature: found.signature,
  });
  return outcome.ok ? { ...checked, valid: true } : { ...checked, reason: outcome.reason };
}

/** The OEM's store counts for a signer of the OEM's name who signs neither `bsp` nor the OEM's own part (signatures §6). */
async function chooseStore(
  certificate: string,
  included: readonly string[],
  options: SignatureOptions,
  crypto: SignatureCrypto,
): Promise<string> {
  const store = options.trustStore ?? 'ca-certificates';
  const { oemName } = options;
  if (!oemName) return store;
  const own = ['bsp/**', `${oemName}/**`].map(keyPattern);
  if (included.some((key) => own.some((matches) => matches(key)))) return store;
  const name = await crypto.commonName(certificate);
  return name === oemName ? (options.oemTrustStore ?? 'ca-oem-certificates') : store;
}
