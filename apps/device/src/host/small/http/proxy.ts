/** A tunnel through a proxy (RFC 9110 §9.3.6). */
import { readAnswer } from '@pantavisor/ctrl-api/http';
import type { Channel } from '@pantavisor/small-host';
import type { HttpProxy } from '../../http-client.ts';
import { HostError } from '../../ports.ts';
import type { HttpUrl } from './url.ts';

/** Asks the proxy at the other end of a channel to pass everything on to the server. Rejects with EPROXY when it does not. */
export async function openTunnel(channel: Channel, url: HttpUrl, { host }: HttpProxy, timeout: number): Promise<void> {
  const target = `${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}`;
  const refuse = (why: string) =>
    new HostError('EPROXY', 'reach', undefined, `the proxy ${host} ${why} to CONNECT ${target}`);
  const text = `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`;
  await channel.write(
    Uint8Array.from(text, (character) => character.charCodeAt(0)),
    timeout,
  );
  // Nothing comes behind the head before the client has spoken, so no byte of the server is lost.
  const source = { read: () => channel.read(timeout), failure: () => refuse('gave no answer') };
  const { head } = await readAnswer(source, 'CONNECT');
  if (head.status !== 200) throw refuse(`answered ${head.status}`);
}
