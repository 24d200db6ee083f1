/** Partition tables as bytes: GPT (UEFI specification, chapter 5) and the DOS table of the master boot record. */
import { crc32 } from 'node:zlib';

export const sectorSize = 512;
/** Partitions begin at multiples of this: erase blocks of flash, and what all tools do today. */
export const alignment = 1024 * 1024;

export type PartitionKind = 'bios-boot' | 'efi' | 'fat' | 'linux' | 'raw';

export interface Partition {
  name: string;
  kind: PartitionKind;
  /** In bytes from the start of the disk, both multiples of the sector size. */
  offset: number;
  size: number;
  /** Identity, for GPT. */
  uuid: string;
  /** The one that a BIOS or board boots, in a DOS table. */
  active?: boolean;
}

/** Bytes and where they belong on the disk. */
export interface Piece {
  offset: number;
  bytes: Uint8Array;
}

const gptTypes: Record<PartitionKind, string> = {
  'bios-boot': '21686148-6449-6e6f-744e-656564454649',
  efi: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  fat: 'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7',
  linux: '0fc63daf-8483-4772-8e79-3d69d8477de4',
  raw: '8da63339-0007-60c0-c436-083ac8230908',
};
const dosTypes: Record<PartitionKind, number> = { 'bios-boot': 0xda, efi: 0xef, fat: 0x0c, linux: 0x83, raw: 0xda };

const entryCount = 128;
const entrySize = 128;
const entrySectors = (entryCount * entrySize) / sectorSize;

/** Space in bytes that GPT needs at the end of a disk. */
export const gptTail = (entrySectors + 1) * sectorSize;
/** Space in bytes that GPT needs at its start, where the sector for a BIOS comes first. */
export const gptHead = sectorSize + gptTail;

/** The mixed-endian form of UUIDs in GPT: the first three fields are little-endian. */
function guidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

function checkPartitions(partitions: readonly Partition[], begin: number, end: number): void {
  let free = begin;
  for (const { name, offset, size } of partitions) {
    if (offset % sectorSize !== 0 || size % sectorSize !== 0 || size <= 0)
      throw new Error(`cannot place the partition ${name}: ${offset} and ${size} are no whole sectors`);
    if (offset < free)
      throw new Error(`cannot place the partition ${name} at ${offset}: only from ${free} on there is room`);
    free = offset + size;
  }
  if (free > end) throw new Error(`cannot place the partitions: they end at ${free}, the disk has room up to ${end}`);
}

function gptHeader(
  at: number,
  other: number,
  entriesAt: number,
  sectors: number,
  uuid: string,
  entries: Buffer,
): Buffer {
  const header = Buffer.alloc(sectorSize);
  header.write('EFI PART', 0, 'latin1');
  header.writeUInt32LE(0x00010000, 8);
  header.writeUInt32LE(92, 12);
  header.writeBigUInt64LE(BigInt(at), 24);
  header.writeBigUInt64LE(BigInt(other), 32);
  header.writeBigUInt64LE(BigInt(2 + entrySectors), 40);
  header.writeBigUInt64LE(BigInt(sectors - entrySectors - 2), 48);
  guidBytes(uuid).copy(header, 56);
  header.writeBigUInt64LE(BigInt(entriesAt), 72);
  header.writeUInt32LE(entryCount, 80);
  header.writeUInt32LE(entrySize, 84);
  header.writeUInt32LE(crc32(entries), 88);
  header.writeUInt32LE(crc32(header.subarray(0, 92)), 16);
  return header;
}

/**
 * A GPT with its copy at the end of the disk and the protective DOS table.
 * @param size of the disk in bytes
 * @param uuid of the disk
 * @param partitions in the order of the disk
 * @throws Error when they overlap or do not fit
 */
export function gptTable(size: number, uuid: string, partitions: readonly Partition[]): Piece[] {
  const sectors = size / sectorSize;
  checkPartitions(partitions, (2 + entrySectors) * sectorSize, size - gptTail);
  const entries = Buffer.alloc(entryCount * entrySize);
  for (const [index, partition] of partitions.entries()) {
    const at = index * entrySize;
    guidBytes(gptTypes[partition.kind]).copy(entries, at);
    guidBytes(partition.uuid).copy(entries, at + 16);
    entries.writeBigUInt64LE(BigInt(partition.offset / sectorSize), at + 32);
    entries.writeBigUInt64LE(BigInt((partition.offset + partition.size) / sectorSize - 1), at + 40);
    entries.write(partition.name.slice(0, 36), at + 56, 72, 'utf16le');
  }
  const protective = Buffer.alloc(sectorSize);
  dosEntry(protective, 0, { type: 0xee, active: false, first: 1, count: Math.min(sectors - 1, 0xffffffff) });
  protective.writeUInt16LE(0xaa55, 510);
  const last = sectors - 1;
  const copyAt = last - entrySectors;
  return [
    // The first 440 bytes are a boot loader's.
    { offset: 440, bytes: protective.subarray(440) },
    { offset: sectorSize, bytes: gptHeader(1, last, 2, sectors, uuid, entries) },
    { offset: 2 * sectorSize, bytes: entries },
    { offset: copyAt * sectorSize, bytes: entries },
    { offset: last * sectorSize, bytes: gptHeader(last, 1, copyAt, sectors, uuid, entries) },
  ];
}

interface DosEntry {
  type: number;
  active: boolean;
  first: number;
  count: number;
}

/** Addresses by cylinder, head and sector are written as "too large"; everybody counts sectors since the nineties. */
function dosEntry(table: Buffer, index: number, { type, active, first, count }: DosEntry): void {
  const at = 446 + index * 16;
  table[at] = active ? 0x80 : 0;
  Buffer.from([0xfe, 0xff, 0xff]).copy(table, at + 1);
  table[at + 4] = type;
  Buffer.from([0xfe, 0xff, 0xff]).copy(table, at + 5);
  table.writeUInt32LE(first, at + 8);
  table.writeUInt32LE(count, at + 12);
}

/**
 * A DOS table of up to four partitions.
 * @param serial disk signature
 * @throws Error when they overlap, do not fit, or are too many or too far for the table
 */
export function dosTable(size: number, serial: number, partitions: readonly Partition[]): Piece[] {
  if (partitions.length > 4)
    throw new Error(`cannot write ${partitions.length} partitions into a DOS table, which has four`);
  if (size > 0xffffffff * sectorSize) throw new Error('cannot write a DOS table for a disk of more than 2 TiB');
  checkPartitions(partitions, sectorSize, size);
  const table = Buffer.alloc(sectorSize);
  table.writeUInt32LE(serial, 440);
  for (const [index, { kind, active = false, offset, size: length }] of partitions.entries())
    dosEntry(table, index, { type: dosTypes[kind], active, first: offset / sectorSize, count: length / sectorSize });
  table.writeUInt16LE(0xaa55, 510);
  return [{ offset: 440, bytes: table.subarray(440) }];
}
