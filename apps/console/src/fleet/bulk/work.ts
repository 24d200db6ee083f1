import { deviceRoutes, type FleetDevice, historyRoutes, trailRoutes } from '@pantavisor/hub-api';
import { callPage, hub } from '../../hub/client.ts';
import { findDeviceByText } from '../../hub/device.ts';
import { fleetText } from '../../text/index.ts';

type JsonMap = Record<string, unknown>;
type Work = (device: FleetDevice) => Promise<unknown>;

const post = (id: string, state: JsonMap, message: string) =>
  hub.call(trailRoutes.post, { params: { id }, body: { rev: -1, 'commit-msg': message, state } });

/** Fetches a revision once. @returns how it is posted to a device */
export async function prepareDeploy(source: string, rev: string, message: string, nick: string): Promise<Work> {
  const device = await findDeviceByText(source, nick);
  const newest =
    rev === '' ? (await hub.call(trailRoutes.summary, { params: { id: device.id } })).revision : Number(rev);
  const state = await hub.call(trailRoutes.state, { params: { id: device.id, rev: String(newest) } });
  const text = message || `Deploy revision ${newest} of ${device.nick}`;
  return ({ id }) => post(id, state, text);
}

/** Revisions that are looked at to find the last one that ran. */
const lookBack = '50';

/** Posts the newest revision that held before the newest one. @throws when none did */
export async function deployPrevious({ id, revision }: FleetDevice, message: string): Promise<void> {
  const { page } = await callPage<{ rev: number; status: string }>(historyRoutes.steps, {
    params: { id },
    query: { 'page[size]': lookBack },
  });
  const good = page.find(({ rev, status }) => rev < revision && (status === 'DONE' || status === 'UPDATED'));
  if (good === undefined) throw new Error(fleetText.nothingBefore);
  const state = await hub.call(trailRoutes.state, { params: { id, rev: String(good.rev) } });
  await post(id, state, message || `Deploy revision ${good.rev} again`);
}

/** Sets a tag, or unsets it with an empty value. */
export const setTag = ({ id }: FleetDevice, name: string, value: string) =>
  hub.call(deviceRoutes.patchUserMeta, { params: { id }, body: { [`tag.${name}`]: value === '' ? null : value } });

export const setShared = ({ id }: FleetDevice, on: boolean) =>
  hub.call(on ? deviceRoutes.share : deviceRoutes.unshare, { params: { id } });

export const removeDevice: Work = ({ id }) => hub.call(deviceRoutes.remove, { params: { id } });
