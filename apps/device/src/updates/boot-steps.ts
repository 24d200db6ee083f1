/** Steps that speak to the boot loader, with the programs of the installation around them (updates.md §4.3, boot.md §8). */
import type { SystemMoment } from '../boot/hooks.ts';
import { runSystemHooks } from '../boot/hooks.ts';
import type { BootEnvironment } from '../bootenv/port.ts';
import type { DeviceConfig } from '../config/table.ts';
import type { Host } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { readProgress } from '../storage/progress.ts';
import { markDone } from '../storage/revisions.ts';
import { StepError } from './step-error.ts';

export interface BootStepsRoom {
  host: Pick<Host, 'files' | 'processes'>;
  layout: StorageLayout;
  config: DeviceConfig;
  environment: BootEnvironment;
  /** `<L>/pv`. */
  library: string;
  log: Log;
}

/** Programs around the installation of boot files, by whether the boot loader has two places for them. */
const installMoments = {
  twoPlaces: { before: 'system-before-install-update', after: 'system-after-install-update' },
  onePlace: { before: undefined, after: 'system-install-update' },
} as const satisfies Record<string, { before: SystemMoment | undefined; after: SystemMoment }>;

export function createBootSteps(room: BootStepsRoom) {
  const { host, layout, config, environment, library, log } = room;

  /** `tried` is the revision that is being installed, `trial` whether the machine has booted for a trial. */
  async function runHooks(moment: SystemMoment, running: string, tried: string, trial = false): Promise<boolean> {
    const progress = await readProgress(host.files, layout, tried === '' ? running : tried);
    const variables = {
      PV_REV: running,
      PV_TRY: tried,
      PV_TRYBOOT: `${trial}`,
      PV_OBJ_STORAGE: `${layout.objects}/`,
      PV_TRAILS_STORAGE: layout.revision(running).directory,
      PV_STATUS: progress?.status ?? '',
    };
    return runSystemHooks(host, library, moment, variables, log);
  }

  async function install(revision: string): Promise<void> {
    const { committed = '0' } = await environment.read();
    const hasTwo = config.PV_BOOTLOADER_TYPE === 'uboot-ab' || config.PV_BOOTLOADER_TYPE === 'rpiab';
    const { before, after } = installMoments[hasTwo ? 'twoPlaces' : 'onePlace'];
    const runOrFail = async (moment: SystemMoment) => {
      if (await runHooks(moment, committed, revision)) return;
      const message = `a program of the installation refused ${moment}`;
      throw new StepError('install-failed', [{ code: 'hook-failed', message, detail: 'the log says which and why' }]);
    };
    if (before !== undefined) await runOrFail(before);
    await environment.install(revision, layout.revision(revision).device);
    await runOrFail(after);
  }

  async function done(revision: string): Promise<void> {
    await markDone(host.files, layout, revision);
    await runHooks('system-boot-done', revision, '', true);
  }

  return {
    install,
    armTry: (revision: string) => environment.armTry(revision),
    clearTry: () => environment.clearTry(),
    commit: (revision: string) => environment.commit(revision),
    done,
  };
}
