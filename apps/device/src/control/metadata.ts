/** `/user-meta` and `/device-meta` (control.md §5). */
import type { RefusalCode } from '@pantavisor/ctrl-api';
import { isStorableKey } from '../metadata/map.ts';
import type { Metadata } from '../metadata/room.ts';
import type { MetadataStore } from '../metadata/store.ts';
import { done, type Handler, jsonText, RefusedError } from './call.ts';

/** Handlers of the endpoints for metadata. */
export function metadataHandlers(metadata: Metadata) {
  const put =
    (store: MetadataStore, code: RefusalCode): Handler =>
    async ({ parameters, text }) => {
      const key = parameters[0] ?? '';
      const value = (await text()).split('\0')[0] ?? '';
      // A key that cannot be kept would be gone after the next start without a word.
      if (value === '' || !isStorableKey(key)) throw new RefusedError(code);
      await store.set(key, value);
      return done;
    };
  const remove =
    (store: MetadataStore, code: RefusalCode): Handler =>
    async ({ parameters }) => {
      if (!(await store.delete(parameters[0] ?? ''))) throw new RefusedError(code);
      return done;
    };
  const listUserMeta: Handler = async () => jsonText(metadata.user.json());
  const listDeviceMeta: Handler = async () => {
    await metadata.refresh();
    return jsonText(metadata.device.json());
  };
  return {
    listUserMeta,
    putUserMeta: put(metadata.user, 'user-meta-bad'),
    deleteUserMeta: remove(metadata.user, 'user-meta-missing'),
    listDeviceMeta,
    putDeviceMeta: put(metadata.device, 'device-meta-bad'),
    deleteDeviceMeta: remove(metadata.device, 'device-meta-missing'),
  };
}
