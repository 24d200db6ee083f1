/** `/objects` (control.md §5). */
import type { ObjectJson } from '@pantavisor/ctrl-api';
import { HostError } from '../host/ports.ts';
import { isObjectId, type ObjectStore } from '../storage/objects.ts';
import { done, type Handler, jsonAnswer, RefusedError } from './call.ts';

/** Files of uploads; the store links them into place when they are whole. */
const objectMode = 0o644;

/** Handlers of the endpoints for objects. */
export function objectHandlers(store: Pick<ObjectStore, 'list' | 'put' | 'size'>, pathOf: (id: string) => string) {
  const listObjects: Handler = async () => {
    const objects = await store.list();
    return jsonAnswer(objects.map(({ id, size }): ObjectJson => ({ sha256: id, size: String(size) })));
  };

  const putObject: Handler = async ({ parameters, request }) => {
    const id = parameters[0] ?? '';
    if (!isObjectId(id)) throw new RefusedError('object-name');
    try {
      const put = await store.put(
        id,
        (path, admit) => request.saveBody(path, objectMode, admit),
        request.contentLength,
      );
      if (put.ok) return done;
      const refusal = { 'bad-name': 'object-name', 'bad-checksum': 'object-checksum', 'no-space': 'no-space' } as const;
      throw new RefusedError(refusal[put.code]);
    } catch (error) {
      if (error instanceof HostError && error.code === 'ECONNRESET') throw new RefusedError('body-cut-off');
      throw error;
    }
  };

  const getObject: Handler = async ({ parameters }) => {
    const id = parameters[0] ?? '';
    if ((await store.size(id)) === undefined) throw new RefusedError('object-name');
    return {
      status: 200,
      headers: { 'content-type': 'application/octet-stream' },
      body: { file: pathOf(id) },
    };
  };

  return { listObjects, putObject, getObject };
}
