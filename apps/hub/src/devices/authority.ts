import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Config } from '../config/options.ts';
import { isHexId } from '../names/ids.ts';

const clientAuthentication = '1.3.6.1.5.5.7.3.2'; // RFC 5280 §4.2.1.12

/** Whom the hub believes which device somebody is, and, with a key, what it signs certificates of new devices with. */
export interface DeviceAuthority {
  /** certificates that may issue those of devices; nothing else may, so intermediates belong here too */
  trusted: readonly X509Certificate[];
  signer?: { certificate: X509Certificate; key: KeyObject };
}

/**
 * Reads the trust store of device certificates from the settings (hub-api §4.7).
 * @returns undefined when there is none: devices then log in with their secrets only
 * @throws Error "cannot use device-ca…" for something that is no certificate of an authority, or no key of one
 */
export function openDeviceAuthority(config: Config): DeviceAuthority | undefined {
  if (config['device-ca'] === '') return undefined;
  const trusted = certificatesOf(Buffer.from(config['device-ca'], 'base64').toString());
  if (trusted.length === 0)
    throw new Error('cannot use device-ca: it must be the base64 of one or more certificates in PEM');
  const leaf = trusted.find(({ ca }) => !ca);
  if (leaf !== undefined)
    throw new Error(`cannot use device-ca: '${oneLine(leaf.subject)}' is no certificate of an authority (CA:TRUE)`);
  if (config['device-ca-key'] === '') return { trusted };
  const key = privateKeyOf(Buffer.from(config['device-ca-key'], 'base64').toString());
  const certificate = trusted.find((one) => one.checkPrivateKey(key));
  if (certificate === undefined)
    throw new Error('cannot use device-ca-key: it belongs to none of the certificates of device-ca');
  return { trusted, signer: { certificate, key } };
}

/** The certificates of a PEM text in their order; an empty list when there is none or one is broken. */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

/**
 * Which device a certificate stands for: the serial number of its subject, if an authority of ours issued it and both are
 * valid now.
 * @param now milliseconds since 1970
 * @returns the id, or the reason of the refusal
 */
export function deviceOfCertificate(
  { trusted }: DeviceAuthority,
  certificate: X509Certificate,
  now: number,
): { id: string } | { refused: string } {
  const issuer = trusted.find((one) => certificate.checkIssued(one) && certificate.verify(one.publicKey));
  if (issuer === undefined) return { refused: 'no authority that this hub trusts issued the certificate' };
  if (!validAt(issuer, now)) return { refused: 'the authority of the certificate is out of its time' };
  if (!validAt(certificate, now)) return { refused: 'the certificate has expired, or is not valid yet' };
  // An authority below ours may be anybody's; it is not a device.
  if (certificate.ca) return { refused: 'the certificate is one of an authority, not of a device' };
  const uses: readonly string[] | undefined = certificate.keyUsage;
  if (uses !== undefined && !uses.includes(clientAuthentication))
    return { refused: 'the certificate is not meant for clients' };
  const { serialNumber: id } = certificate.toLegacyObject().subject as { serialNumber?: unknown };
  return typeof id === 'string' && isHexId(id)
    ? { id }
    : { refused: 'the serial number of its subject is not the id of a device' };
}

const validAt = ({ validFromDate, validToDate }: X509Certificate, now: number) =>
  validFromDate.getTime() <= now && now <= validToDate.getTime();

const oneLine = (subject: string) => subject.replaceAll('\n', ', ');

function privateKeyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error('cannot use device-ca-key: it must be the base64 of a private key in PEM');
  }
}
