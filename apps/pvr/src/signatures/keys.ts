/** Keys and certificates for signatures (pvr §10). */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Failure } from '@pantavisor/cli';
import type { SignatureAlgorithm } from '@pantavisor/state';

const codeSigning = '1.3.6.1.5.5.7.3.3';
const anyUsage = '2.5.29.37.0';

function readPem(path: string, what: string): string {
  if (!existsSync(path))
    throw new Failure('key-missing', `cannot read the ${what} ${path}: there is no such file`, {
      hint: "'pvr sig --help' tells which files are used, and --certs-url where default ones come from",
    });
  return readFileSync(path, 'utf8');
}

function blocks(pem: string, label: RegExp): string[] {
  return (pem.match(/-----BEGIN ([^-]+)-----[\s\S]*?-----END \1-----/g) ?? []).filter((block) =>
    label.test(block.split('-----')[1]!),
  );
}

/** @throws Failure `key-invalid` */
export function readPrivateKey(path: string): KeyObject {
  const [block] = blocks(readPem(path, 'key'), /PRIVATE/);
  if (block === undefined) throw new Failure('key-invalid', `cannot use ${path}: it holds no private key`);
  try {
    return createPrivateKey(block);
  } catch (cause) {
    throw new Failure('key-invalid', `cannot use the private key in ${path}: ${(cause as Error).message}`, {
      cause,
      hint: 'keys with a password are not supported',
    });
  }
}

export function readPublicKeys(path: string): KeyObject[] {
  const found = blocks(readPem(path, 'public key'), /PUBLIC/);
  if (found.length === 0) throw new Failure('key-invalid', `cannot use ${path}: it holds no public key`);
  return found.map((block) => createPublicKey(block));
}

/** All certificates of a PEM file, in its order. */
export function readCertificates(path: string): X509Certificate[] {
  const found = blocks(readPem(path, 'certificates'), /^BEGIN CERTIFICATE$/);
  if (found.length === 0) throw new Failure('key-invalid', `cannot use ${path}: it holds no certificate`);
  return found.map((block) => new X509Certificate(block));
}

/** The algorithm that a key signs with. @throws Failure `key-unsupported` */
export function algorithmOf(key: KeyObject): SignatureAlgorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const curves: Readonly<Record<string, SignatureAlgorithm>> = {
    prime256v1: 'ES256',
    secp384r1: 'ES384',
    secp521r1: 'ES512',
  };
  const algorithm = type === 'rsa' ? 'RS256' : type === 'ec' ? curves[details?.namedCurve ?? ''] : undefined;
  if (!algorithm)
    throw new Failure('key-unsupported', `cannot sign with a key of the type ${type} ${details?.namedCurve ?? ''}`, {
      hint: 'use RSA or one of the curves P-256, P-384, P-521',
    });
  return algorithm;
}

/**
 * Whether the first certificate leads to one of the pool over the others, all valid today and allowed to sign code.
 * @returns the reason why not
 */
export function chainProblem(
  chain: readonly X509Certificate[],
  pool: readonly X509Certificate[],
  now = new Date(),
): string | undefined {
  const [leaf, ...others] = chain;
  if (!leaf) return 'there is no certificate';
  const trail: X509Certificate[] = [];
  let current = leaf;
  for (;;) {
    const name = current.subject.replaceAll('\n', ', ');
    if (now < new Date(current.validFrom) || now > new Date(current.validTo))
      return `the certificate of ${name} is valid only from ${current.validFrom} to ${current.validTo}`;
    const usage = current.keyUsage as string[] | undefined;
    if (usage && usage.length > 0 && !usage.includes(codeSigning) && !usage.includes(anyUsage))
      return `the certificate of ${name} is not for signing code`;
    if (trail.length > 0 && !current.ca) return `the certificate of ${name} may not issue others`;
    trail.push(current);
    if (pool.some((root) => root.fingerprint256 === current.fingerprint256)) return undefined;
    const issues = (issuer: X509Certificate): boolean =>
      current.checkIssued(issuer) && current.verify(issuer.publicKey);
    const anchor = pool.find(issues);
    const next = anchor ?? others.find((candidate) => issues(candidate) && !trail.includes(candidate));
    if (!next) return `no trusted certificate issued that of ${name}`;
    current = next;
  }
}
