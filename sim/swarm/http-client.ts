/** The way of a simulated device to a real hub: real connections, and files of the simulated disk. */
import type {
  HttpAnswer,
  HttpCall,
  HttpClient,
  HttpDownload,
  HttpDownloaded,
  HttpStream,
} from '../../apps/device/src/host/http-client.ts';
import { createHttpClient } from '../../apps/device/src/host/node/http-client.ts';
import { type Files, HostError } from '../../apps/device/src/host/ports.ts';
import type { Meter } from './meter.ts';

const real = createHttpClient();
/** Longest object that a simulated device takes, in bytes. */
const longestBody = 16 * 1024 * 1024;

/** An `HttpClient` whose connections can all be cut, as they are when a device dies. */
export interface DeviceHttpClient extends HttpClient {
  hangUp(): void;
}

/** @param files of the device @param meter counts each request; answers that do not end are not counted */
export function deviceHttpClient(files: Files, meter: Meter): DeviceHttpClient {
  const open = new Set<HttpStream>();

  async function request(call: HttpCall, limit: number): Promise<HttpAnswer> {
    const { body } = call;
    const content = typeof body === 'object' && 'file' in body ? await files.read(body.file) : body;
    const begin = performance.now();
    let outcome: number | string = 'broken';
    try {
      const answer = await real.request({ ...call, ...(content === undefined ? {} : { body: content }) }, limit);
      outcome = answer.status;
      return answer;
    } catch (error) {
      if (error instanceof HostError) outcome = error.code;
      throw error;
    } finally {
      meter.count(call.method, call.url, performance.now() - begin, outcome);
    }
  }

  async function download(wanted: HttpDownload): Promise<HttpDownloaded> {
    const have = (await files.status(wanted.path))?.size ?? 0;
    const first = await fetchInto(wanted, have);
    // What a power cut has left is longer than the body, or not its beginning: once more from the start.
    return !first.complete && first.status === 416 && have > 0 ? fetchInto(wanted, 0) : first;
  }

  async function fetchInto({ path, mode, admit, ...call }: HttpDownload, have: number): Promise<HttpDownloaded> {
    const range: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
    const { status, headers, body } = await request(
      { ...call, method: 'GET', headers: { ...call.headers, ...range } },
      longestBody,
    );
    const goesOn = status === 206 && have > 0;
    if (status !== 200 && !goesOn) return { complete: false, status, headers };
    const size = (goesOn ? have : 0) + body.length;
    if (!(await admit(size))) throw new HostError('EFBIG', 'write', path, 'the rest was refused');
    if (goesOn) await files.append(path, body);
    else await files.write(path, body, { mode });
    return { complete: true, size, sha256: await files.digest(path) };
  }

  return {
    request,
    download,
    stream: (call, take) => {
      const stream = real.stream(call, take);
      open.add(stream);
      const forget = () => open.delete(stream);
      stream.ended.then(forget, forget);
      return stream;
    },
    hangUp: () => {
      for (const stream of open) stream.close();
    },
  };
}
