/** Looks at states elsewhere without fetching their objects. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import { type Reference, selects } from '../reference.ts';
import { ObjectPool } from '../repository/objects.ts';
import type { StateDocument } from '../repository/values.ts';
import { fetchRemoteInfo } from './remote-info.ts';
import { openSource } from './source.ts';

/** The selected part of a state. */
export async function inspectState(pvr: Pvr, { location, fragment }: Reference): Promise<StateDocument> {
  const scratch = await mkdtemp(join(tmpdir(), 'pvr-inspect-'));
  try {
    const source = await openSource(pvr, location, new ObjectPool(scratch));
    await source.close();
    const { spec, values } = source.state;
    return { spec, values: new Map([...values].filter(([key]) => selects(fragment, key))) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The `.pvrremote` of an address, or the revision that its state belongs to. */
export async function remoteText(pvr: Pvr, { location }: Reference, pick: 'info' | 'step'): Promise<string> {
  if (location.kind !== 'remote')
    throw new Failure('reference-invalid', 'cannot get information on a repository that is not behind an address', {
      exitCode: 3,
    });
  const info = await fetchRemoteInfo(pvr.hub, location.url);
  if (pick === 'info') return JSON.stringify(info);
  const step = info['step-get-url'] || info['json-get-url'].replace(/\/[^/]*$/, '');
  return pvr.hub.text(`get the revision of ${location.url}`, step, { anonymous: true });
}
