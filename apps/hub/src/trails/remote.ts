import type { RemoteInfo } from '@pantavisor/hub-api';

/** What pvr needs to know about a revision (hub-api §6.6). @param form whether the newest revision was asked for, or a given one */
export function remoteInfo(base: string, trail: string, rev: number, form: 'newest' | 'given'): RemoteInfo {
  const steps = `${base}/trails/${trail}/steps`;
  return {
    'json-get-url': `${steps}/${rev}/state`,
    'json-key': 'state',
    'objects-endpoint': `${steps}/${rev}/objects`,
    'post-fields': [form === 'newest' ? 'commit-msg' : 'msg'],
    'post-fields-opt': form === 'newest' ? ['rev'] : [],
    'post-url': steps,
    'pvr-spec': 'pvr-pantahub-1',
    'step-get-url': `${steps}/${rev}`,
  };
}
