/** `pvr fastcopy`: copies parts from one trail to another; the hub moves the objects (pvr §5.9). */
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import type { Reference } from '../reference.ts';
import { readStateDocument, type StateDocument } from '../repository/values.ts';
import { copyParts } from './combine.ts';
import { fetchRemoteInfo, type RemoteInfo } from './remote-info.ts';
import { type Posted, type PostOptions, postState } from './send.ts';

export async function fastcopy(
  pvr: Pvr,
  source: Reference,
  destination: Reference,
  options: PostOptions,
  keep: boolean,
): Promise<Posted> {
  const from = source.fragment.parts;
  const to = destination.fragment.parts.length > 0 ? destination.fragment.parts : from;
  if (from.length !== to.length)
    throw new Failure('parts-differ', `cannot copy ${from.length} parts to ${to.length}: each needs its place`, {
      exitCode: 3,
    });
  const there = await open(pvr, source);
  const here = await open(pvr, destination);
  return postState(pvr, here.info, copyParts(there.state, here.state, from, to, keep), options);
}

async function open(pvr: Pvr, { location }: Reference): Promise<{ info: RemoteInfo; state: StateDocument }> {
  if (location.kind !== 'remote')
    throw new Failure('reference-invalid', 'cannot copy within a hub: both sides must be addresses', { exitCode: 3 });
  const info = await fetchRemoteInfo(pvr.hub, location.url);
  const text = await pvr.hub.text(`get the state of ${location.url}`, info['json-get-url'], { anonymous: true });
  return { info, state: readStateDocument(text, info['json-get-url']) };
}
