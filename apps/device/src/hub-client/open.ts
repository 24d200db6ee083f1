/** Whether a device has a Hub at all, and its client if so. */
import type { ConfigStore } from '../config/store.ts';
import { formatWarning } from '../config/warning.ts';
import { HubClient, type HubClientParts } from './client.ts';
import { Credentials } from './credentials.ts';
import { readAuthorities } from './trust.ts';

export interface OpenHubRequest extends Omit<HubClientParts, 'client' | 'credentials' | 'authorities'> {
  /** The kernel command line, or what stands in for it. */
  cmdline: string;
}

/** Whether the configuration names a Hub, and allows to talk to it. */
export function wantsHub(store: ConfigStore): boolean {
  return store.levelOf('PH_CREDS_HOST') !== 'default' && store.snapshot().PV_CONTROL_REMOTE;
}

/**
 * Reads the stored credentials and makes the client. A device whose configuration nowhere names a Hub has none, and never calls out.
 * @returns undefined for such a device, and on a host that cannot call out
 */
export async function openHubClient(request: OpenHubRequest): Promise<HubClient | undefined> {
  const { host, ground, store, cmdline } = request;
  const { layout, places, log, config } = ground;
  const credentials = new Credentials({ files: host.files, store, layout, run: places.run, cmdline });
  for (const warning of await credentials.load())
    log(warning.severity === 'note' ? 'INFO' : 'WARN', 'config', formatWarning(warning));
  if (!wantsHub(store)) return undefined;
  const { httpClient: client } = host;
  if (client === undefined) {
    log('WARN', 'hub', 'cannot reach the Hub: this host has no way to call out');
    return undefined;
  }
  await credentials.hints('');
  const authorities = await readAuthorities(host.files, config.PV_LIBTHTTP_CERTSDIR);
  return new HubClient({ ...request, client, credentials, authorities });
}
