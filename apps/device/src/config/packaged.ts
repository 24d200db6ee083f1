/** The packaged sets of values that stand in for /etc/pantavisor.config where there is none (config.md §11, appengine.md A.3). */
import type { Setting } from './source.ts';

/** Modes that a packaged set exists for. */
export type PackagedMode = 'embedded' | 'appengine';

const shared = (storage: string): Record<string, string> => ({
  PV_STORAGE_MNTPOINT: storage,
  PV_LOG_DIR: `${storage}/logs`,
  PV_CACHE_USRMETADIR: `${storage}/cache/usrmeta`,
  PV_CACHE_DEVMETADIR: `${storage}/cache/devmeta`,
  PV_DROPBEAR_CACHE_DIR: `${storage}/cache/dropbear`,
  PV_SYSTEM_RUNDIR: '/run/pantavisor/pv',
  PV_SYSTEM_MEDIADIR: '/run/pantavisor/media',
  PV_SYSTEM_CONFDIR: '/run/pantavisor/configs',
  PV_SYSTEM_DISKSDIR: '/run/pantavisor/disks',
  PV_SECUREBOOT_HANDLERS: '0',
  PV_OEM_NAME: 'pv-oem-developer-001',
  PV_LOG_SERVER_OUTPUTS: 'filetree',
});

const sets: Record<PackagedMode, { storage: string; values: Record<string, string> }> = {
  embedded: {
    storage: '/storage',
    values: {
      PV_SYSTEM_INIT_MODE: 'embedded',
      PV_BOOTLOADER_TYPE: 'uboot',
      PV_STORAGE_DEVICE: 'LABEL=root',
      PV_STORAGE_FSTYPE: 'ext4',
      PV_STORAGE_FIRMWARE_VOL: '1',
      PV_WDT_MODE: 'shutdown',
      PV_LOG_LEVEL: '4',
      PV_LOG_CAPTURE_DMESG: '1',
    },
  },
  appengine: {
    storage: '/var/pantavisor/storage',
    values: {
      PV_SYSTEM_INIT_MODE: 'appengine',
      PV_BOOTLOADER_TYPE: 'uboot',
      PV_WDT_MODE: 'disabled',
      PV_LOG_LEVEL: '4',
      PV_LOG_CAPTURE_DMESG: '0',
      PV_LOG_DIR_MAXSIZE: '2147483647',
      PV_SECUREBOOT_MODE: 'disabled',
      PV_DEBUG_SSH: '1',
      PV_CONTROL_REMOTE: '0',
      PV_UPDATER_GOALS_TIMEOUT: '10',
      PV_UPDATER_COMMIT_DELAY: '5',
      PV_DISK_WRITABLEDIR: '/run/pv/writable',
    },
  },
};

/**
 * The packaged values of a mode.
 * @param storage directory of the storage when it is not the packaged one; logs and caches follow it
 */
export function packagedSettings(mode: PackagedMode, storage?: string): Setting[] {
  const set = sets[mode];
  return Object.entries({ ...shared(storage ?? set.storage), ...set.values }).map(([name, value]) => ({
    name,
    value,
    source: `packaged ${mode} set`,
  }));
}
