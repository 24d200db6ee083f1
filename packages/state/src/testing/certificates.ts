/** Small X.509 certificates for tests, written in DER (RFC 5280 §4.1) and signed with ECDSA and SHA-256. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface Signer {
  name: string;
  privateKey: KeyObject;
  /** DER. */
  certificate: Buffer;
}

function element(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: Uint8Array[]): Buffer => element(0x30, ...parts);
const ecdsaWithSha256 = sequence(element(0x06, Buffer.from('2a8648ce3d040302', 'hex')));

/** A distinguished name of the given common names. */
function nameOf(...commonNames: string[]): Buffer {
  const oid = element(0x06, Buffer.from('550403', 'hex'));
  return sequence(...commonNames.map((text) => element(0x31, sequence(oid, element(0x0c, Buffer.from(text))))));
}

const validity = sequence(element(0x17, Buffer.from('000101000000Z')), element(0x17, Buffer.from('010101000000Z')));

/**
 * Makes a key and a certificate for it; `issuer` absent: self-signed. Valid for the year 2000, which must not matter.
 * @param options `authority` false: the certificate may not issue others
 */
export function makeSigner(name: string, issuer?: Signer, options: { authority?: boolean } = {}): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authority = sequence(
    sequence(
      element(0x06, Buffer.from('551d13', 'hex')),
      element(0x01, Buffer.from([0xff])),
      element(0x04, options.authority === false ? sequence() : sequence(element(0x01, Buffer.from([0xff])))),
    ),
  );
  const tbs = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    nameOf('first of two', issuer?.name ?? name),
    validity,
    nameOf('first of two', name),
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, authority),
  );
  const signature = sign('sha256', tbs, issuer?.privateKey ?? privateKey);
  const certificate = sequence(tbs, ecdsaWithSha256, element(0x03, Buffer.from([0]), signature));
  return { name, privateKey, certificate };
}
