/** Identities of disks and file systems: derived from a name instead of drawn, so that the same recipe gives the same image. */
import { createHash } from 'node:crypto';

/**
 * A UUID for a purpose, in the usual text form. Marked as version 8, "custom" (RFC 9562 §5.8).
 * @param names what it identifies, e.g. the name of the image and of a partition
 */
export function uuidOf(...names: string[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(names)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** A 32-bit number for a purpose: serial of a FAT volume, signature of a DOS disk; never 0. */
export function serialOf(...names: string[]): number {
  return createHash('sha256').update(JSON.stringify(names)).digest().readUInt32LE(0) || 1;
}
