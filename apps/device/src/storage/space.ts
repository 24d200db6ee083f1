/** How much of the storage may be used (storage.md §6). All in bytes. */
import type { Files } from '../host/ports.ts';
import type { StorageLayout } from './layout.ts';

export interface StorageSpace {
  total: number;
  /** Free blocks of the file system, including those kept for root. */
  free: number;
  /** Part of `total` that is never given to objects and revisions. */
  reserved: number;
  /** `free` less `reserved`, at least 0: what uploads, downloads and the collector count with. */
  realFree: number;
}

/** Accounting of figures of statfs. @param reservedPercent `PV_STORAGE_GC_RESERVED`, 0 to 100 */
export function accountSpace(measured: { total: number; free: number }, reservedPercent: number): StorageSpace {
  const reserved = Math.floor((measured.total * reservedPercent) / 100);
  const realFree = Math.max(0, measured.free - reserved);
  return { total: measured.total, free: measured.free, reserved, realFree };
}

/** Whole percents of the storage that are really free, 0 for an empty file system. */
export function realFreePercent(space: StorageSpace): number {
  return space.total === 0 ? 0 : Math.floor((space.realFree * 100) / space.total);
}

/** Measures the file system that holds the storage. */
export async function readSpace(files: Files, layout: StorageLayout, reservedPercent: number): Promise<StorageSpace> {
  return accountSpace(await files.space(layout.root), reservedPercent);
}
