/** What verifying signatures asks of the machine: everything that touches keys, certificates and long byte strings. */
import type { SignatureAlgorithm } from './header.ts';

/** Yes, or no with a reason for people. */
export type Verified = { ok: true } | { ok: false; reason: string };

/** Who signed: the device's own public key, or the holder of a certificate (base64 DER). */
export type VerificationKey = { kind: 'public-key' } | { kind: 'certificate'; certificate: string };

export interface SignatureRequest {
  algorithm: SignatureAlgorithm;
  key: VerificationKey;
  /** Protected header as received, base64url. */
  protected: string;
  /** Signed text; its UTF-8 bytes are base64url-encoded into the signing input `protected.payload` (RFC 7515 §5.2). */
  payload: string;
  /** base64url. */
  signature: string;
}

export interface SignatureCrypto {
  /**
   * Checks one detached JWS. The kind of key decides between RSA (PKCS#1 v1.5) and ECDSA; the algorithm gives the digest.
   * ECDSA signatures may be ASN.1 DER or the raw halves r‖s: both must be accepted (signatures §5).
   */
  verify(request: SignatureRequest): Promise<Verified>;
  /**
   * Checks that the first certificate leads to one of the trust store's, over the others. No revocation, no host name, no
   * usage; dates do not count either, because a device has no clock when it boots (signatures §6).
   *
   * @param certificates base64 DER, the signer's first
   * @param store name of a bundle below the directory of trust, e.g. `ca-certificates`
   */
  verifyChain(certificates: readonly string[], store: string): Promise<Verified>;
  /** Common name of the subject of a certificate (base64 DER), the last of several; undefined when it has none. */
  commonName(certificate: string): Promise<string | undefined>;
}
