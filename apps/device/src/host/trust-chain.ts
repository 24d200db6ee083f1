/** Following a chain of certificates to a store of trusted ones, the same on every host; the host answers only who issued whom. */
import type { Verified } from '@pantavisor/state';

/** What the chain needs to know of two certificates. */
export interface Issuing<Certificate> {
  isSame(left: Certificate, right: Certificate): boolean;
  /** Whether `issuer` signed `certificate` and may sign certificates at all (RFC 5280 §4.2.1.9, §4.2.1.3). Dates do not count. */
  isIssuedBy(certificate: Certificate, issuer: Certificate): boolean;
}

/**
 * Follows the chain from the signer (signatures.md §6).
 * @param chain the signer's certificate first, each issued by the next
 * @param anchors certificates of the store
 */
export function leadsToAnchor<Certificate>(
  chain: readonly Certificate[],
  anchors: readonly Certificate[],
  { isSame, isIssuedBy }: Issuing<Certificate>,
): Verified {
  for (const [index, certificate] of chain.entries()) {
    if (anchors.some((anchor) => isSame(anchor, certificate) || isIssuedBy(certificate, anchor))) return { ok: true };
    const next = chain[index + 1];
    if (next === undefined || !isIssuedBy(certificate, next)) break;
  }
  return { ok: false, reason: 'no certificate of the store issued it' };
}

/** The base64 of every certificate of a bundle, without line ends. */
export function certificatesOfBundle(text: string): string[] {
  const blocks = text.matchAll(/-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/g);
  return Array.from(blocks, ([, base64 = '']) => base64.replaceAll(/\s/g, ''));
}
