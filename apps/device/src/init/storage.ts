/** The storage of a device: waited for, repaired, grown, mounted (boot.md §2, step mount). */
import type { DeviceConfig } from '../config/table.ts';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { checkExt, mostWaitForCheck } from './check-file-system.ts';
import { growFileSystem, growPartition } from './grow.ts';
import { loadModulesOfDevices } from './kernel-modules.ts';
import { rescueDevice } from './rescue.ts';
import type { InitLog } from './start.ts';

type Parts = Pick<Host, 'files' | 'mounts' | 'processes' | 'clock' | 'system'>;

const betweenLooks = 200;
const findTimeout = 10_000;
/** Programs of the installation that mount what mount(2) alone cannot. */
const helperOf = (type: string) => `/btools/pvmnt.${type}`;
export const isExt = (type: string) => /^ext[234]$/.test(type);

/**
 * Brings the storage to its directory. One that is mounted there already stays, as after a restart of the runtime.
 * @param cmdline kernel command line; `pv_autogrow=off` leaves partition and file system as large as they are
 * @throws Failure `storage-missing` when the device does not appear, `storage-unusable` when it cannot be mounted
 */
export async function mountStorage(
  host: Parts,
  config: DeviceConfig,
  { storage, cmdline, mayGrow }: { storage: string; cmdline: string; mayGrow: boolean },
  log: InitLog,
): Promise<void> {
  const { files, mounts } = host;
  if ((await mounts.list()).some(({ target }) => target === storage)) return;
  await makeDirectories(files, storage);
  const wanted = config.PV_STORAGE_DEVICE;
  if (wanted === undefined || wanted === '')
    throw new Failure('storage-missing', 'cannot mount the storage: no device is named', {
      hint: 'set PV_STORAGE_DEVICE to LABEL=NAME, UUID=ID or a path',
    });
  const type = config.PV_STORAGE_FSTYPE ?? 'ext4';
  const device = await waitForDevice(host, wanted, config.PV_STORAGE_WAIT * 1000, log);
  const helper = helperOf(type);
  if ((await files.status(helper, { follow: true })) !== undefined) {
    await mountByHelper(host, helper, storage);
    return;
  }
  if (isExt(type)) await checkExt(host, device, log);
  const grows = isExt(type) && mayGrow && !/(?:^|\s)pv_autogrow=off(?:\s|$)/.test(cmdline);
  if (grows) await growPartition(host, device, log);
  try {
    await mounts.mount({
      source: device,
      target: storage,
      type: config.PV_STORAGE_MNTTYPE ?? type,
      flags: ['noatime'],
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('storage-unusable', `cannot mount the storage ${device} (${wanted}) as ${type}: ${why}`, {
      file: device,
      hint: 'is PV_STORAGE_FSTYPE the file system that is on it?',
      cause,
    });
  }
  if (grows) await growFileSystem(host, device, log);
}

/** Waits until the device is there; what it hangs on may still be looking for it. */
async function waitForDevice(host: Parts, wanted: string, patience: number, log: InitLog): Promise<string> {
  const { clock } = host;
  const until = clock.monotonic() + Math.max(patience, 0);
  let probed = false;
  for (;;) {
    const device = await findDevice(host, wanted);
    if (device !== undefined) return device;
    if (clock.monotonic() >= until) break;
    if (!probed) log('INFO', `waiting for the storage ${wanted}`);
    probed = true;
    await loadModulesOfDevices(host, log);
    await new Promise<void>((resolve) => clock.after(betweenLooks, resolve));
  }
  const rescued = await rescueDevice(host, wanted, log);
  if (rescued !== undefined) return rescued;
  throw new Failure('storage-missing', `cannot find the storage ${wanted} within ${patience / 1000} s`, {
    hint: 'see PV_STORAGE_DEVICE and PV_STORAGE_WAIT; does the kernel have the drivers of the disk?',
  });
}

/** Path of a device that is named by path, label or UUID; undefined when there is none now. */
export async function findDevice(
  { files, processes }: Pick<Parts, 'files' | 'processes'>,
  wanted: string,
): Promise<string | undefined> {
  if (wanted.startsWith('/')) return (await files.status(wanted, { follow: true })) === undefined ? undefined : wanted;
  if (!/^(LABEL|UUID)=./.test(wanted)) {
    // A bare name of an MTD or UBI volume is for the file system to understand, e.g. `ubi0:boot`.
    return wanted;
  }
  const { code, stdout } = await processes.run(['findfs', wanted], { timeout: findTimeout });
  const path = stdout.trim();
  return code === 0 && path.startsWith('/') ? path : undefined;
}

async function mountByHelper({ processes }: Parts, helper: string, storage: string): Promise<void> {
  const { code, signal, stderr } = await processes.run([helper, storage], { timeout: mostWaitForCheck });
  if (code === 0) return;
  throw new Failure(
    'storage-unusable',
    `cannot mount the storage with ${helper}: ${stderr.trim() || `exit ${code ?? signal}`}`,
    {
      file: helper,
    },
  );
}
