import { HubCallError, type ObjectWithAccess, objectRoutes, type Step, trailRoutes } from '@pantavisor/hub-api';
import { hub } from '../hub/client.ts';
import type { Change } from './draft.ts';

type JsonMap = Record<string, unknown>;

/** Uploads the content of an object, unless the hub has it (hub-api §7.2: 409 is success). */
async function upload(key: string, { sha, content }: Extract<Change, { kind: 'object' }>): Promise<void> {
  let announced: ObjectWithAccess;
  try {
    announced = await hub.call(objectRoutes.create, {
      body: { objectname: key, size: String(content.length), sha256sum: sha },
    });
  } catch (error) {
    if (error instanceof HubCallError && error.status === 409) return;
    throw error;
  }
  const url = announced['signed-puturl'];
  const target = URL.canParse(url) ? new URL(url).pathname : url;
  const response = await fetch(target, { method: 'PUT', body: content });
  if (!response.ok) throw new Error(`cannot upload ${key}: the hub answered ${response.status}`);
}

/** Uploads what is new and posts the state as the next revision. @param onProgress files that are uploaded, of all */
export async function publish(
  device: string,
  { state, message, changes }: { state: JsonMap; message: string; changes: ReadonlyMap<string, Change> },
  onProgress: (done: number, of: number) => void,
): Promise<Step> {
  const objects = [...changes].filter(
    (entry): entry is [string, Extract<Change, { kind: 'object' }>] => entry[1].kind === 'object',
  );
  for (const [index, [key, change]] of objects.entries()) {
    onProgress(index, objects.length);
    await upload(key, change);
  }
  onProgress(objects.length, objects.length);
  return hub.call(trailRoutes.post, { params: { id: device }, body: { rev: -1, 'commit-msg': message, state } });
}
