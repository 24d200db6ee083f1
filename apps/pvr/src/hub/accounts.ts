/** Who one is at hubs, and which devices are one's own (pvr §6, §7). */
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import { refusal } from '../http/failures.ts';

/** Address whose answer tells who one is; a plain address of a hub or of its `/auth` is completed. */
export function readEndpoint(given: string | undefined, hubUrl: string): string {
  const url = new URL(given ?? hubUrl);
  const path = url.pathname.replace(/\/+$/, '');
  if (path === '' || path === '/auth') url.pathname = '/auth/auth_status';
  return url.href;
}

export interface Identity {
  endpoint: string;
  nick: string;
  prn: string;
  /** Why the hub does not say. */
  problem?: string;
}

/** Asks every hub for which a token is stored. One that does not answer does not keep the others from it. */
export async function whoAmI(pvr: Pvr): Promise<Identity[]> {
  const preset = pvr.hub.presetToken;
  const endpoints = preset
    ? [`${pvr.hubUrl}/auth`]
    : [...new Set(pvr.hub.store.keys().map((key) => key.split(' realm=')[0]!))];
  const found: Identity[] = [];
  for (const endpoint of endpoints) {
    const token =
      preset ??
      pvr.hub.store
        .keys()
        .filter((key) => key.startsWith(`${endpoint} realm=`))
        .map((key) => pvr.hub.store.get(key)?.access)[0];
    try {
      const answer = await pvr.http.call(`${endpoint}/auth_status`, { headers: { authorization: `Bearer ${token}` } });
      if (answer.status !== 200) throw await refusal(`ask who you are at ${endpoint}`, answer);
      const { nick = '', prn = '' } = JSON.parse(await answer.text()) as { nick?: string; prn?: string };
      found.push({ endpoint, nick, prn });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      found.push({ endpoint, nick: '', prn: '', problem: error.message });
    }
  }
  return found;
}

/** Claims a device with the words that it shows. @throws Failure with exit code 4 */
export async function claimDevice(pvr: Pvr, device: string, challenge: string): Promise<unknown> {
  const url = new URL(/^https?:\/\//.test(device) ? device : `${pvr.hubUrl}/devices/${encodeURIComponent(device)}`);
  url.searchParams.set('challenge', challenge);
  const answer = await pvr.hub.call(url.href, { method: 'PUT' });
  if (answer.status !== 200) throw await refusal('claim the device', answer, 4);
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
