/** Logs of the device as text, from the files that a container with the role mgmt sees (appengine.md C.2). */
import type { ToolHost } from '../host/ports.ts';
import { revisionOf, runningRevision } from './device-door.ts';
import { type Answer, Refusal, type Request } from './http-server.ts';

/** Lines that `tail` shows unless `tailn` says how many. */
const defaultLines = 100;
/** Bytes from the end of a file in which lines are looked for. */
const tailBytes = 256 * 1024;
/** Milliseconds between two looks at a file that is followed. */
const lookEvery = 1000;

/**
 * Answers `GET /cgi-bin/logs?rev&source&tail&tailn&follow`; undefined when the path is another.
 * @param folder of the logs of all revisions
 */
export async function answerLogs(host: ToolHost, folder: string, request: Request): Promise<Answer | undefined> {
  const { method, path, query } = request;
  if (path !== '/cgi-bin/logs') return undefined;
  if (method !== 'GET') throw new Refusal(405, 'logs can only be read');
  const revision = revisionOf(query.get('rev') ?? (await runningRevision(host)));
  const file = await findLog(host, `${folder}/${revision}`, query.get('source') ?? 'pantavisor');
  const lines = wanted(query.get('tailn')) ? Number(query.get('tailn')) : defaultLines;
  if (!Number.isInteger(lines) || lines < 1) throw new Refusal(400, 'tailn is no number of lines');
  const isTail = wanted(query.get('tail')) || query.has('tailn');
  const { size } = await host.files.open(file);
  const from = isTail ? Math.max(0, size - tailBytes) : 0;
  const headers = { 'Content-Type': 'text/plain; charset=utf-8' };
  const follows = wanted(query.get('follow'));
  return { status: 200, headers, body: { pieces: read(host, file, from, isTail ? lines : undefined, follows) } };
}

const wanted = (value: string | undefined): boolean => value !== undefined && value !== 'false' && value !== '0';

/** `pantavisor`, a container (its console), or a file below its folder. */
async function findLog({ files }: ToolHost, folder: string, source: string): Promise<string> {
  if (source.startsWith('/') || source.split('/').some((step) => step === '..' || step === ''))
    throw new Refusal(400, `${JSON.stringify(source)} is no name of a log`);
  const tried = [`${folder}/${source}/${source}.log`, `${folder}/${source}/lxc/console.log`, `${folder}/${source}`];
  for (const path of tried)
    if (
      files.exists(path) &&
      (await files.list(path).then(
        () => false,
        () => true,
      ))
    )
      return path;
  throw new Refusal(404, `there is no log of ${source}`);
}

async function* read(
  host: ToolHost,
  file: string,
  from: number,
  lines: number | undefined,
  follows: boolean,
): AsyncGenerator<Uint8Array> {
  const { files } = host;
  let at = from;
  const { pieces } = await files.open(file, from);
  if (lines === undefined)
    for await (const piece of pieces) {
      at += piece.length;
      yield piece;
    }
  else {
    let text = '';
    for await (const piece of pieces) {
      at += piece.length;
      text += host.transport.decode(piece);
    }
    yield host.transport.encode(
      text
        .split('\n')
        .slice(-lines - 1)
        .join('\n'),
    );
  }
  while (follows) {
    await host.pause(lookEvery);
    const more = await files.open(file, at).catch(() => undefined);
    if (!more) continue;
    // A file that became shorter was put away, and a new one begins.
    if (more.size < at) at = 0;
    else
      for await (const piece of more.pieces) {
        at += piece.length;
        yield piece;
      }
  }
}
