/** Metadata, drivers, daemons and wake locks behind a control socket for tests: real metadata, the rest scripted. */
import { type DaemonJson, type WakeScope, wakeScopes } from '@pantavisor/ctrl-api';
import type { Files } from '../../host/ports.ts';
import { MetadataStore } from '../../metadata/store.ts';
import { makeTree } from '../../storage/durable.ts';
import type { ControlRooms } from '../server.ts';

type LocalRooms = Required<Pick<ControlRooms, 'metadata' | 'drivers' | 'daemons' | 'wakeLocks'>>;

/** Both kinds of metadata on a storage directory, with nothing that the device says about itself. */
async function openMetadata(files: Files, storage: string): Promise<LocalRooms['metadata']> {
  const open = async (kind: 'user' | 'device') => {
    const run = `${storage}/run`;
    await makeTree(files, run);
    const parts = { files, kind, directory: `${storage}/cache/${kind}`, view: `${run}/${kind}-meta`, log: () => {} };
    const store = new MetadataStore(parts);
    await store.open();
    return store;
  };
  const [user, device] = [await open('user'), await open('device')];
  return { user, device, refresh: async () => {} };
}

/** One daemon that obeys at once. */
function scriptedDaemons(): LocalRooms['daemons'] {
  const daemon: DaemonJson = { name: 'pv-xconnect', pid: 200, respawn: true };
  return {
    list: () => [{ ...daemon }],
    has: (name) => name === daemon.name,
    start: () => void Object.assign(daemon, { pid: 200, respawn: true }),
    stop: () => void Object.assign(daemon, { pid: -1, respawn: false }),
  };
}

export async function createScriptedLocalRooms(files: Files, storage: string): Promise<LocalRooms> {
  const held = Object.fromEntries(wakeScopes.map((scope) => [scope, false])) as Record<WakeScope, boolean>;
  return {
    metadata: await openMetadata(files, storage),
    drivers: {
      list: (container) => (container === 'app' ? [{ name: 'wifi', type: 'MANUAL', status: 'UNLOADED' }] : undefined),
      load: async () => true,
      unload: async () => {},
    },
    daemons: scriptedDaemons(),
    wakeLocks: {
      status: () => ({
        mode: 'locks',
        count: 0,
        degraded: true,
        autosleep: false,
        settling: false,
        polling: false,
        run_window: false,
        held,
      }),
    },
  };
}
