/** U-Boot's environment as it lies in flash: checksum, for redundant environments a flag, then entries (tools/env of U-Boot). */
import type { TextCoding } from '../host/ports.ts';
import { crc32 } from './crc32.ts';
import { type Entry, formatEntries, parseEntries } from './entries.ts';

/**
 * How a redundant copy says that it is the newer one: by a counter that wraps at 255 (files, block devices, NAND, UBI), or by being marked
 * active after the other was marked obsolete (NOR).
 */
export type FlagKind = 'counter' | 'active';

/** One valid copy. */
export interface EnvironmentImage {
  /** 0 to 255; undefined when there is no second copy and so no flag. */
  flag: number | undefined;
  entries: Entry[];
}

const checksumSize = 4;

/** Flags of NOR flash, where bits can be cleared without erasing. */
export const activeFlag = 1;
export const obsoleteFlag = 0;

/** Reads a copy; undefined when its checksum is wrong, so that it was never written or was torn. */
export function parseImage(bytes: Uint8Array, redundant: boolean, text: TextCoding): EnvironmentImage | undefined {
  const start = checksumSize + (redundant ? 1 : 0);
  if (bytes.length <= start) return undefined;
  const stored = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);
  const data = bytes.subarray(start);
  if (stored !== crc32(data)) return undefined;
  return { flag: redundant ? bytes[checksumSize] : undefined, entries: parseEntries(data, text) };
}

/** Bytes of a copy. Fails with `boot-env-full` when the entries do not fit. */
export function formatImage({ flag, entries }: EnvironmentImage, size: number, text: TextCoding): Uint8Array {
  const start = checksumSize + (flag === undefined ? 0 : 1);
  const data = formatEntries(entries, size - start, size - start, text);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, crc32(data), true);
  if (flag !== undefined) bytes[checksumSize] = flag;
  bytes.set(data, start);
  return bytes;
}

/** Which of two copies counts: 0, 1, or undefined when neither is valid. The first when both are equally new. */
export function newerImage(
  first: EnvironmentImage | undefined,
  second: EnvironmentImage | undefined,
  kind: FlagKind,
): 0 | 1 | undefined {
  if (first === undefined || second === undefined) return first ? 0 : second ? 1 : undefined;
  const [a = 0, b = 0] = [first.flag, second.flag];
  if (kind === 'active') return b === activeFlag && a !== activeFlag ? 1 : 0;
  if (a === 255 && b === 0) return 1;
  if (b === 255 && a === 0) return 0;
  return b > a ? 1 : 0;
}

/** Flag of the copy that is to replace one with this flag. */
export function nextFlag(flag: number | undefined, kind: FlagKind): number {
  return kind === 'active' ? activeFlag : ((flag ?? 0) + 1) % 256;
}
