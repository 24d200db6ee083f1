/** Devices of a hub (pvr §7). */
import { Failure } from '@pantavisor/cli';
import type { Device, Summary } from '@pantavisor/hub-api';
import type { Pvr } from '../context.ts';
import { refusal } from '../http/failures.ts';
import type { Repository } from '../repository/repository.ts';
import { writeStateDocument } from '../repository/values.ts';
import { objectKeys } from '../transfer/send.ts';
import { uploadObjects } from '../transfer/upload.ts';

const json = { 'content-type': 'application/json; charset=utf-8' };

/** Address of a device: by id or nick, or as `<user>/<nick>`. */
export function deviceUrl(pvr: Pvr, name: string): string {
  const [first = '', second] = name.split('/');
  const device = encodeURIComponent(second ?? first);
  return `${pvr.hubUrl}/devices/${device}${second === undefined ? '' : `?owner-nick=${encodeURIComponent(first)}`}`;
}

/** A device as the hub knows it; JSON text, since metadata may hold numbers of any size. */
export function getDevice(pvr: Pvr, name: string): Promise<string> {
  return pvr.hub.text(`get the device ${name}`, deviceUrl(pvr, name));
}

/**
 * Makes a device whose factory state is the committed one.
 * @returns JSON text of the device, with its secret
 */
export async function createDevice(pvr: Pvr, repository: Repository, nick: string | undefined): Promise<string> {
  const state = repository.readState();
  await uploadObjects(pvr, `${pvr.hubUrl}/objects`, objectKeys(state), repository.objects, { force: true });
  const text = await pvr.hub.text('create the device', `${pvr.hubUrl}/devices/`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify(nick === undefined ? {} : { nick }),
  });
  const { prn, secret } = JSON.parse(text) as Device;
  // As the device itself: only it may begin its trail.
  const login = await pvr.http.call(`${pvr.hubUrl}/auth/login`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ username: prn, password: secret }),
  });
  if (login.status !== 200) throw await refusal('log in as the new device', login);
  const { token } = JSON.parse(await login.text()) as { token: string };
  const trail = await pvr.http.call(`${pvr.hubUrl}/trails/`, {
    method: 'POST',
    headers: { ...json, authorization: `Bearer ${token}` },
    body: writeStateDocument(state),
  });
  if (trail.status !== 200) throw await refusal('begin the trail of the new device', trail);
  trail.body.resume();
  return text;
}

/**
 * Sets metadata: `key=value`, or `key` alone to delete it. A user sets user metadata, a device its own.
 * @returns what the hub answers, and the kind of metadata
 */
export async function setMetadata(
  pvr: Pvr,
  name: string,
  assignments: readonly string[],
): Promise<{ text: string; kind: string }> {
  const { type } = await pvr.hub.json<{ type?: string }>('ask who you are', `${pvr.hubUrl}/auth/auth_status`);
  const kind = type === 'DEVICE' ? 'device-meta' : 'user-meta';
  const body = Object.fromEntries(
    assignments.map((word) => {
      const equals = word.indexOf('=');
      return equals < 0 ? [word, null] : [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
  const [first = '', second] = name.split('/');
  if (second !== undefined) {
    const { id } = JSON.parse(await getDevice(pvr, name)) as Device;
    return { kind, text: await patch(pvr, id, kind, body) };
  }
  return { kind, text: await patch(pvr, first, kind, body) };
}

function patch(pvr: Pvr, device: string, kind: string, body: unknown): Promise<string> {
  return pvr.hub.text(`set ${kind} of ${device}`, `${pvr.hubUrl}/devices/${encodeURIComponent(device)}/${kind}`, {
    method: 'PATCH',
    headers: json,
    body: JSON.stringify(body),
  });
}

/** What every device of the caller is doing. */
export async function listDevices(pvr: Pvr): Promise<Summary[]> {
  const found = await pvr.hub.json<unknown>('list the devices', `${pvr.hubUrl}/trails/summary`);
  if (!Array.isArray(found))
    throw new Failure('answer-invalid', 'cannot list the devices: the hub answered no list', { exitCode: 3 });
  return found as Summary[];
}

const steps: readonly (readonly [number, string])[] = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [30, 'day'],
  [12, 'month'],
  [Number.POSITIVE_INFINITY, 'year'],
];

/** Time in words, e.g. `5 minutes ago`. @param now milliseconds since 1970 */
export function timeAgo(time: string, now: number): string {
  let amount = Math.floor((now - Date.parse(time)) / 1000);
  if (Number.isNaN(amount) || time.startsWith('0001-')) return 'never';
  if (amount < 5) return 'now';
  for (const [size, unit] of steps) {
    if (amount < size) return `${amount} ${unit}${amount === 1 ? '' : 's'} ago`;
    amount = Math.floor(amount / size);
  }
  return 'long ago';
}
