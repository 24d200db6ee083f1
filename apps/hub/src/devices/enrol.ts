import type { KeyObject } from 'node:crypto';
import type { Device } from '@pantavisor/hub-api';
import type { Extension, Pkcs10CertificateRequest } from '@peculiar/x509';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { isHexId } from '../names/ids.ts';
import type { DeviceAuthority } from './authority.ts';
import { verifyJoinSignature } from './join-tokens.ts';
import { registerEnrolled } from './service.ts';

export interface Enrolment {
  /** PKCS #10 request (RFC 2986), DER in base64 */
  csr: string;
  /** name of the device in its factory certificate */
  name: string;
  /** the id the device shall get */
  'device-name': string;
}

/** Arc of the extensions that prove a join token (hub-api §5.12). */
const arc = '1.3.6.1.4.1.54621.100';
const day = 24 * 3600 * 1000;
const refuse = (why: string) => new Failure('bad-request', `cannot enrol the device: ${why}`);

/**
 * Registers a device that proves with its certificate request that it holds a join token, and issues its certificate.
 * @returns the certificate in PEM, and the device; it has no secret, only its key
 * @throws Failure 400 for whatever is wrong; nothing is stored then
 */
export async function enrol(
  hub: Hub,
  { csr, name, 'device-name': id }: Enrolment,
): Promise<{ crt: string; device: Device }> {
  const signer = hub.deviceAuthority?.signer;
  if (signer === undefined) throw refuse('this hub issues no certificates (settings device-ca and device-ca-key)');
  if (!isHexId(id)) throw refuse('device-name must be an id of 24 hex digits');
  const request = await readRequest(csr);
  const value = (member: number) => textOf(request.extensions.find(({ type }) => type === `${arc}.${member}`));
  const joined = await verifyJoinSignature(hub, {
    owner: value(1),
    signature: value(2),
    tokenId: value(3),
    name,
  });
  const days = hub.config['device-cert-days'];
  const crt = await issue(signer, request, { id, name, from: hub.clock(), until: hub.clock() + days * day });
  return { crt, device: await registerEnrolled(hub, id, joined) };
}

/** The library wants its metadata polyfill before it; it is only loaded when a device enrols. */
async function x509() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** Reads a request and checks that its sender has the private key. */
async function readRequest(csr: string): Promise<Pkcs10CertificateRequest> {
  const { Pkcs10CertificateRequest } = await x509();
  try {
    const request = new Pkcs10CertificateRequest(Buffer.from(csr, 'base64'));
    if (await request.verify()) return request;
  } catch {
    throw refuse('csr is not the base64 of a PKCS #10 request in DER');
  }
  throw refuse('the signature of the certificate request is wrong');
}

const stringTags = new Set([0x04, 0x0c, 0x13, 0x16]);

/** Text of an extension, whether it stands there bare or as a short DER string (X.690 §8.1). */
function textOf(extension: Extension | undefined): string {
  const bytes = Buffer.from(extension?.value ?? new ArrayBuffer(0));
  const [tag = 0, length = 0] = bytes;
  if (stringTags.has(tag) && length < 0x80 && bytes.length === length + 2) return bytes.subarray(2).toString();
  return bytes.toString();
}

async function issue(
  { certificate, key }: NonNullable<DeviceAuthority['signer']>,
  request: Pkcs10CertificateRequest,
  { id, name, from, until }: { id: string; name: string; from: number; until: number },
): Promise<string> {
  const library = await x509();
  const algorithm = algorithmOf(key);
  const issuer = new library.X509Certificate(certificate.raw);
  const made = await library.X509CertificateGenerator.create({
    subject: [{ CN: [name] }, { '2.5.4.5': [id] }],
    issuer: issuer.subjectName,
    publicKey: request.publicKey,
    signingKey: key.toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
    notBefore: new Date(from - day),
    // Nobody believes a certificate for longer than its authority.
    notAfter: new Date(Math.min(until, certificate.validToDate.getTime())),
    extensions: [
      new library.BasicConstraintsExtension(false, undefined, true),
      new library.KeyUsagesExtension(library.KeyUsageFlags.digitalSignature, true),
      new library.ExtendedKeyUsageExtension([library.ExtendedKeyUsage.clientAuth]),
      await library.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return `${made.toString('pem')}\n`;
}

function algorithmOf(key: KeyObject) {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  if (key.asymmetricKeyType === 'ed25519') return { name: 'Ed25519', hash: 'SHA-256' };
  const curves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
  const namedCurve = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (namedCurve === undefined) throw refuse('the key of the authority must be RSA, Ed25519 or of a NIST curve');
  return { name: 'ECDSA', namedCurve, hash: 'SHA-256' };
}
