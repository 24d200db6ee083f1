/** A tunnel through a proxy (RFC 9110 §9.3.6). */

import type { Channel } from '@pantavisor/small-host';
import type { HttpProxy } from '../../http-client.ts';
import { HostError } from '../../ports.ts';
import { parseAnswerHead } from './answer-head.ts';
import type { HttpUrl } from './url.ts';

const longestHead = 16 * 1024;

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
  let answer = '';
  // Nothing comes behind the head before the client has spoken, so no byte of the server is lost.
  while (!answer.includes('\r\n\r\n')) {
    const bytes = await channel.read(timeout);
    if (bytes === undefined || answer.length > longestHead) throw refuse('gave no answer');
    for (let at = 0; at < bytes.length; at += 4096) answer += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  const head = parseAnswerHead(answer.slice(0, answer.indexOf('\r\n\r\n')), 'CONNECT');
  if (head === undefined) throw refuse('gave no answer');
  if (head.status !== 200) throw refuse(`answered ${head.status}`);
}
