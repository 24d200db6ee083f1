/** The document that tells where a repository behind HTTP has its state and objects (pvr §5.1). */
import { Failure } from '@pantavisor/cli';
import type { RemoteInfo } from '@pantavisor/hub-api';
import type { HubSession } from '../hub/session.ts';

export type { RemoteInfo };

/** Fetches `<url>/.pvrremote`. Members that the server left out are empty. */
export async function fetchRemoteInfo(hub: HubSession, url: string): Promise<RemoteInfo> {
  const found = await hub.json<Partial<RemoteInfo>>(`get information on ${url}`, `${url}/.pvrremote`, {
    anonymous: true,
  });
  const info: RemoteInfo = {
    'json-get-url': '',
    'json-key': '',
    'objects-endpoint': '',
    'post-fields': [],
    'post-fields-opt': [],
    'post-url': '',
    'pvr-spec': '',
    'step-get-url': '',
    ...found,
  };
  if (info['json-get-url'] === '' && info['post-url'] === '')
    throw new Failure(
      'remote-invalid',
      `cannot use ${url}: its .pvrremote names neither a state nor a place to post to`,
      { exitCode: 3 },
    );
  return info;
}
