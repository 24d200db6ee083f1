/** Brings what is behind an address into a file; a connection that breaks is taken up where it broke, when the server can. */
import { createWriteStream, existsSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Failure } from '@pantavisor/cli';
import type { HttpAnswer } from './client.ts';
import { refusal } from './failures.ts';

const attempts = 4;

/** Asks for the content, with these headers. */
export type Get = (headers: Record<string, string>) => Promise<HttpAnswer>;

/**
 * @param what ends the sentence "cannot get …"
 * @param path what it holds already counts as the beginning
 * @param onBytes told of each piece
 * @param limit bytes after which the download is given up
 * @throws Failure of the answer; `download-failed`; `no-space`
 */
export async function download(
  get: Get,
  what: string,
  path: string,
  onBytes: (bytes: number) => void,
  limit = Number.POSITIVE_INFINITY,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const have = existsSync(path) ? statSync(path).size : 0;
    const answer = await get({ 'accept-encoding': 'identity', ...(have > 0 ? { range: `bytes=${have}-` } : {}) });
    if (answer.status === 416 && have > 0) {
      answer.body.resume();
      return;
    }
    if (answer.status !== 200 && answer.status !== 206) throw await refusal(`get ${what}`, answer);
    const goesOn = answer.status === 206;
    let size = goesOn ? have : 0;
    try {
      answer.body.on('data', (piece: Uint8Array) => {
        onBytes(piece.length);
        size += piece.length;
        if (size > limit) answer.body.destroy(new Error(`it is larger than the ${limit} bytes that were announced`));
      });
      await pipeline(answer.body, createWriteStream(path, { flags: goesOn ? 'a' : 'w' }));
      return;
    } catch (cause) {
      const { code = '', message } = cause as NodeJS.ErrnoException;
      const isBroken = /^(ECONNRESET|EPIPE|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE)$/.test(code) || message === 'aborted';
      if (isBroken && attempt < attempts) continue;
      throw new Failure(code === 'ENOSPC' ? 'no-space' : 'download-failed', `cannot get ${what}: ${message}`, {
        cause,
        exitCode: 3,
      });
    }
  }
}
