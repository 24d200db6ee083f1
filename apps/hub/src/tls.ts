import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from './config/options.ts';

export interface Certificate {
  cert: string;
  key: string;
}

/** The certificate of the settings, or a self-signed one that is made once and kept in the data folder. */
export async function loadCertificate(config: Config): Promise<Certificate> {
  if (config.tls === 'files')
    return { cert: readFileSync(config['tls-cert'], 'utf8'), key: readFileSync(config['tls-key'], 'utf8') };
  const folder = join(config.data, 'tls');
  const files = { cert: join(folder, 'self-signed.crt'), key: join(folder, 'self-signed.key') };
  if (existsSync(files.cert) && existsSync(files.key))
    return { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
  const made = await selfSigned(hostsOf(config));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(files.key, made.key, { mode: 0o600 });
  writeFileSync(files.cert, made.cert);
  return made;
}

function hostsOf(config: Config): string[] {
  const configured = config['public-url'] === '' ? [] : [new URL(config['public-url']).hostname];
  return [
    ...new Set([
      ...configured,
      'localhost',
      '127.0.0.1',
      hostname(),
      ...(/^(0\.0\.0\.0|::)$/.test(config.host) ? [] : [config.host]),
    ]),
  ];
}

/** Makes a certificate that is its own authority (so that devices can be given it as one), valid for ten years. */
export async function selfSigned(hosts: string[]): Promise<Certificate> {
  // The library wants its metadata polyfill before it; it is only loaded when a certificate must be made.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const isAddress = (host: string) => /^[\d.]+$|:/.test(host);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${hosts[0] ?? 'localhost'}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 24 * 3600 * 1000),
    notAfter: new Date(Date.now() + 3650 * 24 * 3600 * 1000),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign, true),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((host) => ({ type: isAddress(host) ? 'ip' : 'dns', value: host })),
      ),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const lines = pkcs8
    .toString('base64')
    .replaceAll(/(.{64})/g, '$1\n')
    .trimEnd();
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
  };
}
