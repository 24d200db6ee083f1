/** Fetching over HTTP with what the container has: curl, or wget. */
import { Failure } from '@pantavisor/cli/portable';
import { joined } from '@pantavisor/ctrl-api/portable';
import type { Helper, PantaboxHost } from '../host/terminal-ports.ts';

const textLimit = 32 * 1024 * 1024;

/** The content behind a URL as it comes. Read to its end; a failure is thrown there. @throws Failure */
export async function* fetchPieces(host: PantaboxHost, url: string): AsyncGenerator<Uint8Array> {
  const { output, ended } = await begin(host, url);
  yield* output;
  const { code, errors } = await ended;
  if (code === 0) return;
  const reason = errors.trim().split('\n').at(-1)?.trim() || `exit code ${code}`;
  const isPrivate = /\b40[13]\b/.test(reason);
  throw new Failure('fetch', `cannot fetch ${withoutQuery(url)}: ${reason}`, {
    hint: isPrivate
      ? 'it is private: export it with pvr where you are logged in, and install the file'
      : 'does the device reach that host, and is the address right?',
  });
}

/** @throws Failure */
export async function fetchText(host: PantaboxHost, url: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of fetchPieces(host, url)) {
    size += piece.length;
    if (size > textLimit)
      throw new Failure('fetch', `cannot use ${withoutQuery(url)}: it has more than ${textLimit} bytes`);
    pieces.push(piece);
  }
  return host.transport.decode(joined(pieces));
}

async function begin(host: PantaboxHost, url: string): Promise<Helper> {
  const { environment } = host;
  const tried = async (argv: readonly string[]) => host.help(argv, environment).catch(() => undefined);
  const curl = await tried(['curl', '-fsSL', '--max-redirs', '5', '--', url]);
  if (curl) return curl;
  if (url.startsWith('https:') && !(await isGnuWget(host)))
    throw new Failure('fetch', `cannot fetch ${withoutQuery(url)}: nothing in this container checks certificates`, {
      hint: 'fetch it on a workstation with pvr and install the file; or put curl into this container',
    });
  const wget = await tried(['wget', '-q', '-O', '-', '--', url]);
  if (wget) return wget;
  throw new Failure('fetch', `cannot fetch ${withoutQuery(url)}: there is neither curl nor wget here`, {
    hint: 'copy the package to the device and install the file',
  });
}

/** That of busybox takes every certificate. */
async function isGnuWget(host: PantaboxHost): Promise<boolean> {
  const helper = await host.help(['wget', '--version'], host.environment).catch(() => undefined);
  if (!helper) return false;
  const pieces: Uint8Array[] = [];
  for await (const piece of helper.output) pieces.push(piece);
  await helper.ended;
  return host.transport.decode(joined(pieces)).includes('GNU Wget');
}

/** What stands behind the question mark of a signed address is a secret. */
const withoutQuery = (url: string): string => url.replace(/\?.*/, '').replace(/\/\/[^/@]*@/, '//');
