/** Connections through a proxy to a server under TLS. */
import { request } from 'node:http';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure, type TLSSocket } from 'node:tls';
import type { HttpCall, HttpProxy } from '../http-client.ts';
import { HostError } from '../ports.ts';

/**
 * A connection on which TLS is agreed on with the server of the call, or with a proxy that speaks in its name; the certificate has to be
 * the server's in both cases.
 * @throws HostError `EPROXY` when the proxy refuses, or what keeps it from being reached
 */
export async function secureThroughProxy(call: HttpCall, proxy: HttpProxy): Promise<TLSSocket> {
  const { hostname, port } = new URL(call.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const target = `${hostname}:${port === '' ? 443 : port}`;
  const socket = proxy.tunnel ? await openTunnel(call, proxy, target) : connectPlain(proxy.port, proxy.host);
  const { authorities } = call;
  return connectSecure({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(authorities === undefined ? {} : { ca: authorities }),
  });
}

function openTunnel({ idleTimeout }: HttpCall, { host, port }: HttpProxy, target: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options = { method: 'CONNECT', path: target, headers: { host: target }, agent: false, timeout: idleTimeout };
    const asked = request({ host, port, ...options });
    asked.on('timeout', () =>
      asked.destroy(new HostError('ETIMEDOUT', 'reach', undefined, `the proxy ${host} said nothing`)),
    );
    const refuse = (status: number | undefined) => {
      asked.destroy();
      reject(new HostError('EPROXY', 'reach', undefined, `the proxy ${host} answered ${status} to CONNECT ${target}`));
    };
    asked.on('connect', ({ statusCode }, socket) => {
      if (statusCode !== 200) return refuse(statusCode);
      socket.setTimeout(0);
      resolve(socket as Socket);
    });
    // An answer that is no tunnel.
    asked.on('response', ({ statusCode }) => refuse(statusCode));
    asked.on('error', reject);
    asked.end();
  });
}
