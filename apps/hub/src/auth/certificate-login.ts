import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { scopeName } from '@pantavisor/hub-api';
import { certificatesOf, deviceOfCertificate } from '../devices/authority.ts';
import { deviceStore } from '../devices/store.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { equalSecrets } from '../names/secrets.ts';

const certificateHeader = 'pantahub-tls-client-cert';
const proxyHeader = 'pantahub-tls-proxy-token';
const refuse = (why: string) => new Failure('not-permitted', `cannot log in with a certificate: ${why}`);

/**
 * Logs in the device whose certificate the TLS connection, or a proxy that ended it, presents (hub-api §4.7).
 * @returns a token; it cannot be refreshed, the certificate is as quick
 * @throws Failure 403; 500 when somebody who is not the proxy hands in a certificate
 */
export async function loginWithCertificate(hub: Hub, request: IncomingMessage): Promise<string> {
  if (hub.deviceAuthority === undefined) throw refuse('this hub trusts no authority (setting device-ca)');
  const certificate = presented(hub, request);
  if (certificate === undefined) throw refuse('none was presented');
  const found = deviceOfCertificate(hub.deviceAuthority, certificate, hub.clock());
  if ('refused' in found) throw refuse(found.refused);
  const device = await deviceStore.find(hub.db, found.id);
  if (device === undefined) throw refuse(`there is no device ${found.id}`);
  const { prn, nick, owner } = device;
  const iat = Math.floor(hub.clock() / 1000);
  const scopes = scopeName('all');
  return hub.tokens.issue({ id: prn, prn, nick, type: 'DEVICE', roles: 'device', scopes, owner, iat });
}

function presented({ config }: Hub, { headers, socket }: IncomingMessage): X509Certificate | undefined {
  const forwarded = headers[certificateHeader];
  if (typeof forwarded !== 'string') return (socket as Partial<TLSSocket>).getPeerX509Certificate?.();
  // Without the secret of the proxy anybody could claim to be any device: certificates are not secret.
  if (config['proxy-tls-token'] === '') throw refuse('this hub takes none from a proxy (setting proxy-tls-token)');
  if (!equalSecrets(String(headers[proxyHeader] ?? ''), config['proxy-tls-token']))
    throw new Failure('internal', 'cannot log in with a certificate: the token of the proxy is wrong');
  return certificatesOf(decoded(forwarded))[0];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
