/** What a starting runtime finds about updates, as the engine wants to know it. */
import {
  defaultSettings,
  type Progress,
  revisionsToRead,
  revisionToRun,
  type UpdateEventBody,
  type UpdateSettings,
} from '@pantavisor/engine';
import type { Places } from '../boot/places.ts';
import { openBootEnvironment } from '../bootenv/open.ts';
import type { BootEnvironment } from '../bootenv/port.ts';
import type { DeviceConfig } from '../config/table.ts';
import type { Host } from '../host/ports.ts';
import { namedRevision } from '../revision/choose.ts';
import { factoryRevision } from '../storage/factory.ts';
import { readJournal } from '../storage/journal.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { readProgress } from '../storage/progress.ts';
import { recordBoot } from './boot-record.ts';

export interface FoundBoot {
  environment: BootEnvironment;
  /** The revision to run. */
  revision: string;
  /** For the engine, as its first event. */
  event: Extract<UpdateEventBody, { type: 'update.boot' }>;
}

export interface FoundRoom {
  host: Pick<Host, 'files' | 'mounts' | 'processes' | 'hashing' | 'text' | 'system'>;
  config: DeviceConfig;
  layout: StorageLayout;
  places: Pick<Places, 'base'>;
  cmdline: string;
}

/** Times and counts of updates as configured. */
export function updateSettings(config: DeviceConfig): UpdateSettings {
  return {
    commitDelayMs: config.PV_UPDATER_COMMIT_DELAY * 1000,
    hubTimeoutMs: config.PH_UPDATER_NETWORK_TIMEOUT * 1000,
    retries: config.PV_REVISION_RETRIES,
    trialLimitMs: defaultSettings.trialLimitMs,
  };
}

/**
 * Opens the boot environment and reads it, the journal and progress.
 * @throws Failure `revision-name`, or one that begins with `boot-`
 */
export async function findBoot({ host, config, layout, places, cmdline }: FoundRoom): Promise<FoundBoot> {
  const { files } = host;
  const told = namedRevision({ environment: host.system.environment.pv_rev, cmdline });
  const environment = await openBootEnvironment({
    host,
    config,
    layout,
    running: told ?? '0',
    mountPoint: `${places.base}/boot-files`,
  });
  const stored = await environment.read();
  const choose = config.PV_SYSTEM_INIT_MODE === 'appengine';
  const named = stored.booted ?? told;
  const record = await recordBoot({ host, base: places.base, boot: layout.boot, stored, named, choose });
  const journal = await readJournal(files, layout);
  const revision = revisionToRun(record.revision, journal, record.id);
  const { trying: tried } = stored;
  const committed = stored.committed ?? (await seed(environment, record.revision, tried, choose));
  const progress: Record<string, Progress> = {};
  for (const name of revisionsToRead(revision, tried, journal)) {
    const found = await readProgress(files, layout, name);
    if (found !== undefined) progress[name] = found;
  }
  return {
    environment,
    revision,
    event: {
      type: 'update.boot',
      environment: {
        running: revision,
        committed,
        bootId: record.id,
        ...(tried === undefined ? {} : { tried }),
      },
      ...(journal === undefined ? {} : { journal }),
      progress,
      settings: updateSettings(config),
    },
  };
}

/**
 * The rollback point of a device whose boot environment names none: what runs now, unless it runs for a trial. Launchers of the app engine
 * expect it to be written down (updates.md §6.1); a boot loader has its own way.
 */
async function seed(
  environment: BootEnvironment,
  running: string,
  tried: string | undefined,
  write: boolean,
): Promise<string> {
  if (tried !== undefined) return tried === running ? factoryRevision : running;
  // A storage that takes no more bytes still runs what it has.
  if (write) await environment.commit(running).catch(() => undefined);
  return running;
}
