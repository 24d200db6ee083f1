/** Where keys and certificates are when none are named: `<config-dir>/pvs/` (pvr §10.5). */
import { createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Failure } from '@pantavisor/cli';
import { extract } from 'tar-stream';
import type { Pvr } from '../context.ts';
import { refusal } from '../http/failures.ts';

export type DefaultFile = 'key.default.pem' | 'x5c.default.pem' | 'cacerts.default.pem';

/** Path of a default file; fetched when it is missing, an address is known and a person agrees. */
export async function defaultFile(pvr: Pvr, name: DefaultFile, certsUrl: string | undefined): Promise<string> {
  const path = join(pvr.configDirectory, 'pvs', name);
  if (existsSync(path) || certsUrl === undefined) return path;
  if (pvr.terminal.interactive) {
    const answer = await pvr.terminal.ask(
      `${path} is missing. Fetch the default keys from ${certsUrl}? They are public, for tests only. [yes/no] `,
    );
    if (!/\b(y|yes)\b/i.test(answer)) return path;
  }
  await fetchDefaults(pvr, certsUrl);
  return path;
}

/** Takes only the files that are looked for, whatever else the archive has. */
async function fetchDefaults(pvr: Pvr, url: string): Promise<void> {
  const answer = await pvr.http.call(url, { headers: { 'accept-encoding': 'identity' } });
  if (answer.status !== 200) throw await refusal(`get default keys from ${url}`, answer);
  const directory = join(pvr.configDirectory, 'pvs');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const members = extract();
  const reading = pipeline(answer.body, createGunzip(), members);
  reading.catch(() => {});
  try {
    for await (const entry of members) {
      const name = /(?:^|\/)((?:key|x5c|cacerts)\.default\.pem)$/.exec(entry.header.name)?.[1];
      if (name === undefined || entry.header.type !== 'file') entry.resume();
      else
        await pipeline(
          entry as unknown as NodeJS.ReadableStream,
          createWriteStream(join(directory, name), { mode: 0o600 }),
        );
    }
    await reading;
  } catch (cause) {
    throw new Failure('archive-invalid', `cannot read the default keys of ${url}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
