import {
  type Device,
  deviceRoutes,
  historyRoutes,
  type ObjectWithAccess,
  type Step,
  type StepOutline,
  trailRoutes,
} from '@pantavisor/hub-api';
import { queryOptions } from '@tanstack/react-query';
import { callPage, hub } from './client.ts';

const isHexId = (text: string): boolean => /^[0-9a-f]{24}$/.test(text);

/** A device by id, or by the nicks of its owner and itself. */
export function findDevice(user: string, name: string): Promise<Device> {
  return isHexId(name)
    ? hub.call(deviceRoutes.get, { params: { id: name } })
    : hub.call(deviceRoutes.byNames, { params: { usernick: user, devicenick: name } });
}

/** A device as people write it: `nick`, an id, or `user/nick`. */
export function findDeviceByText(text: string, viewerNick: string): Promise<Device> {
  const [first = '', second] = text.trim().split('/');
  return second === undefined ? findDevice(viewerNick, first) : findDevice(first, second);
}

export const deviceQuery = (user: string, name: string) =>
  queryOptions({ queryKey: ['device', user, name], queryFn: () => findDevice(user, name) });

const outline = (id: string, size: number) =>
  callPage<StepOutline>(historyRoutes.steps, { params: { id }, query: { 'page[size]': String(size) } });

/** What the device is doing; null while it has no trail, which its outline tells without a refusal. */
export const summaryQuery = (id: string) =>
  queryOptions({
    queryKey: ['trail', id, 'summary'],
    queryFn: async ({ client, queryKey }) => {
      // A trail that was there once stays.
      const begun = client.getQueryData(queryKey) != null || (await outline(id, 1)).total > 0;
      return begun ? hub.call(trailRoutes.summary, { params: { id } }) : null;
    },
  });

export const outlineSize = 50;

/** Revisions without their states, newest first. */
export const outlineQuery = (id: string, size = outlineSize) =>
  queryOptions({
    queryKey: ['trail', id, 'outline', size],
    queryFn: () => outline(id, size),
  });

export const stepQuery = (id: string, rev: number) =>
  queryOptions({
    queryKey: ['trail', id, 'step', rev],
    queryFn: (): Promise<Step> => hub.call(trailRoutes.step, { params: { id, rev: String(rev) } }),
  });

/** Objects of a revision by key of the state; their addresses are good for a day. */
export const objectsQuery = (id: string, rev: number) =>
  queryOptions({
    queryKey: ['trail', id, 'objects', rev],
    queryFn: async () => {
      const objects = await hub.call(trailRoutes.objects, { params: { id, rev: String(rev) } });
      return new Map(objects.map((object) => [object.objectname, object]));
    },
    staleTime: 3_600_000,
  });

export type StepObjects = ReadonlyMap<string, ObjectWithAccess>;

export const reportsQuery = (id: string, rev: number) =>
  queryOptions({
    queryKey: ['trail', id, 'reports', rev],
    queryFn: () => hub.call(trailRoutes.reports, { params: { id, rev: String(rev) } }),
  });

export const metaHistoryQuery = (id: string) =>
  queryOptions({
    queryKey: ['device', 'history', id],
    queryFn: () => hub.call(historyRoutes.metadata, { params: { id } }),
  });

/**
 * The path of a signed address, so that it is asked from the hub that served this page: other names of it are other origins.
 */
export function contentAddress(object: ObjectWithAccess): string {
  const url = object['signed-geturl'];
  return URL.canParse(url) && new URL(url).pathname.startsWith('/local-s3/') ? new URL(url).pathname : url;
}
