/** Uploads objects to the endpoint of a hub or a device (pvr §5.3). */
import { createReadStream } from 'node:fs';
import { createProgressBar, Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import { refusal } from '../http/failures.ts';
import type { HubCall } from '../hub/session.ts';
import { eachParallel } from '../repository/hashing.ts';
import type { ObjectPool } from '../repository/objects.ts';

export interface UploadOptions {
  /** Objects that the other side certainly has. */
  present?: ReadonlySet<string>;
  /** Upload also what the other side says to have. */
  force?: boolean;
  exitCode?: number;
}

export interface Uploaded {
  uploaded: number;
  known: number;
  bytes: number;
}

const announcers = 4;
const uploaders = 5;
const attempts = 4;

interface Order {
  key: string;
  sha: string;
  url: string;
  size: number;
}

/**
 * Announces every object and uploads those that the other side lacks, several at a time. What was uploaded before stays
 * with the other side, so a second run goes on where the first one ended.
 * @param objects keys with their object ids; several keys may name one object
 */
export async function uploadObjects(
  pvr: Pvr,
  endpoint: string,
  objects: readonly (readonly [key: string, sha: string])[],
  pool: ObjectPool,
  options: UploadOptions = {},
): Promise<Uploaded> {
  const { present = new Set<string>(), force = false, exitCode = 3 } = options;
  const todo = objects.filter(([, sha]) => !present.has(sha));
  // A missing object must be found before half of the others are on their way.
  for (const [key, sha] of todo) pool.sizeOf(sha, key);
  const orders = new Map<string, Order>();
  let known = objects.length - todo.length;
  const seen = new Set<string>();
  await eachParallel(todo, announcers, async ([key, sha]) => {
    const size = pool.sizeOf(sha, key);
    const first = !seen.has(sha);
    seen.add(sha);
    const answer = await pvr.hub.call(`${endpoint.replace(/\/+$/, '')}/`, announcement(key, sha, size));
    if (answer.status !== 200 && answer.status !== 409)
      throw await refusal(`announce the object of ${key} (${sha})`, answer, exitCode);
    const type = answer.headers['pantahub-object-type'];
    const text = await answer.text();
    const url = putAddress(text);
    if (answer.status === 409 && (type === 'link' || !force || url === undefined)) {
      known += 1;
      pvr.note(`${key.slice(0, 15)} [${type === 'link' ? 'LK' : 'OK'}]`);
      return;
    }
    if (!first) {
      pvr.note(`${key.slice(0, 15)} [OK - Dupe]`);
      return;
    }
    if (url === undefined)
      throw new Failure('remote-invalid', `cannot upload the object of ${key}: the answer names no signed-puturl`, {
        exitCode,
      });
    orders.set(sha, { key, sha, url, size });
  });
  const bytes = [...orders.values()].reduce((sum, { size }) => sum + size, 0);
  const bar = createProgressBar(pvr.stderr, 'Uploading', bytes);
  try {
    await eachParallel(orders.values(), uploaders, async (order) => {
      await put(pvr, endpoint, order, pool, (sent) => bar.add(sent), exitCode);
      pvr.note(`${order.key.slice(0, 15)} [OK]`);
    });
  } finally {
    bar.end();
  }
  return { uploaded: orders.size, known, bytes };
}

/** Member order and the empty members are those of the original; some servers read by position. */
function announcement(key: string, sha: string, size: number): HubCall {
  const body = {
    id: '',
    'storage-id': '',
    owner: '',
    objectname: key,
    sha256sum: sha,
    size: String(size),
    'mime-type': 'application/octet-stream',
    'signed-puturl': '',
    'signed-geturl': '',
    now: '',
    'expire-time': '',
  };
  return { method: 'POST', headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) };
}

function putAddress(text: string): string | undefined {
  try {
    const url = (JSON.parse(text) as Record<string, unknown>)['signed-puturl'];
    return typeof url === 'string' && url !== '' ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Uploads one object. After a broken connection or an expired address it is announced again and sent anew. */
async function put(
  pvr: Pvr,
  endpoint: string,
  order: Order,
  pool: ObjectPool,
  onSent: (bytes: number) => void,
  exitCode: number,
): Promise<void> {
  let { url } = order;
  for (let attempt = 1; ; attempt += 1) {
    let failure: Failure;
    let sent = 0;
    try {
      const answer = await pvr.http.call(url, {
        method: 'PUT',
        headers: { 'content-length': order.size },
        body: () => {
          const stream = createReadStream(pool.pathOf(order.sha), { highWaterMark: 256 * 1024 });
          stream.on('data', (piece) => {
            sent += piece.length;
            onSent(piece.length);
          });
          return stream;
        },
      });
      if (answer.status === 200) {
        answer.body.resume();
        return;
      }
      failure = await refusal(`upload the object of ${order.key} (${order.sha})`, answer, exitCode);
      if (answer.status !== 403 && answer.status < 500) throw failure;
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'unreachable') throw error;
      failure = error;
    }
    onSent(-sent);
    if (attempt === attempts) throw failure;
    const again = await pvr.hub.call(
      `${endpoint.replace(/\/+$/, '')}/`,
      announcement(order.key, order.sha, order.size),
    );
    const text = await again.text();
    if (again.status === 409) return;
    const fresh = again.status === 200 ? putAddress(text) : undefined;
    if (fresh === undefined) throw failure;
    url = fresh;
  }
}
