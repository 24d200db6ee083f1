/** Everything before the device runs: is the machine able to, where is the storage, what is the revision, which network is free. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BridgeNetwork } from '../../containers/src/recipe.ts';
import { describeMissing, findMissingFacilities } from '../preflight.ts';
import { DemoHub } from './hub.ts';
import { chooseNetwork, NetworkClaims, networksInUse } from './network.ts';
import { exitCodes, type StartOptions } from './options.ts';
import { buildDemo, buildTour, holdsDevice, type InitialRevision, storedNetwork } from './revision.ts';

/** Ends `npm start` with a message for the person and an exit code. */
export class StartError extends Error {
  override name = 'StartError';
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Preparation {
  /** Absolute, without symbolic links. */
  storage: string;
  /** Undefined when the storage holds a device already and no revision was given. */
  initial: InitialRevision | undefined;
  /** Configuration of the device, as environment. */
  environment: Record<string, string>;
  /** The hub that the device joins, and what will be posted there. */
  tour?: { hub: DemoHub; revisions: ReturnType<typeof buildTour> };
}

/** Registers what is to be taken away at the end, in reverse order. */
export type AtEnd = (undo: () => void | Promise<void>) => void;

async function temporaryDirectory(name: string, atEnd: AtEnd): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `pantavisor-${name}-`));
  atEnd(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function openStorage(wanted: string | undefined, atEnd: AtEnd): Promise<string> {
  if (wanted === undefined) return realpath(await temporaryDirectory('storage', atEnd));
  try {
    await mkdir(wanted, { recursive: true });
    return await realpath(wanted);
  } catch (cause) {
    throw new StartError(`cannot use ${wanted} as storage: ${(cause as Error).message}`, exitCodes.badInput);
  }
}

function networkSettings({ bridge, prefix }: BridgeNetwork): Record<string, string> {
  return { PV_NET_BRDEV: bridge, PV_NET_BRADDRESS4: `${prefix}.1`, PV_NET_BRMASK4: '255.255.255.0' };
}

/** Makes the static executable if a source of it changed; it says on stderr what takes long. */
function buildSmallHost(): void {
  const program = fileURLToPath(new URL('../../apps/device/build-small.ts', import.meta.url));
  const { status } = spawnSync(process.execPath, [program], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new StartError('cannot build the small host; the lines above say why', exitCodes.unavailable);
}

/**
 * Prepares a start.
 * @param atEnd what was made is registered here, also when the preparation fails later
 * @throws StartError
 */
export async function prepare(options: StartOptions, atEnd: AtEnd): Promise<Preparation> {
  const { revision } = options;
  for (const path of revision === undefined ? [] : [revision.state, revision.objects]) {
    if (!existsSync(path)) throw new StartError(`cannot find ${path}`, exitCodes.badInput);
  }
  const missing = await findMissingFacilities();
  if (missing.length > 0) throw new StartError(describeMissing(missing), exitCodes.unavailable);
  if (options.small) buildSmallHost();
  // apps/device/bin/pantavisor chooses by it.
  const host: Record<string, string> = options.small ? { PANTAVISOR_HOST: 'small' } : {};
  const storage = await openStorage(options.storage, atEnd);
  if (holdsDevice(storage)) {
    // The device itself decides whether the given revision is the one that is installed.
    const stored = storedNetwork(storage);
    return {
      storage,
      initial: revision,
      environment: { ...host, ...(stored === undefined ? {} : networkSettings(stored)) },
    };
  }
  const claims = new NetworkClaims();
  atEnd(() => claims.release());
  const network = chooseNetwork(networksInUse(), (candidate) => claims.take(candidate));
  const environment = { ...host, ...networkSettings(network) };
  if (revision !== undefined) return { storage, initial: revision, environment };
  const built = await temporaryDirectory('revision', atEnd);
  const begun = options.hub ? DemoHub.start(await temporaryDirectory('hub', atEnd), atEnd) : undefined;
  const initial = await buildDemo(join(built, 'initial'), network, { impatient: options.hub });
  const hub = await begun;
  if (hub === undefined) return { storage, initial, environment };
  const revisions = buildTour(built, network);
  // Whoever awaits it later is told; until then it must not end this process.
  revisions.catch(() => {});
  return {
    storage,
    initial,
    environment: { ...environment, ...(await hub.deviceSettings()) },
    tour: { hub, revisions },
  };
}
