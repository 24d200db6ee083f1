/** Partition tables whose last partition is to reach to the end of a disk that has become larger: GPT (UEFI, chapter 5) and DOS. */
import { crc32 } from '../bootenv/crc32.ts';

export const sectorSize = 512;
/** What has to be read of a disk, in bytes: the DOS table, the header of GPT and its usual 128 entries. */
export const tableSize = 34 * sectorSize;
/** The start of the disk is written in one piece of this size, which storage writes whole or not at all. */
const atomicSize = 4096;
/** Less than this is not worth a write, in sectors. */
const leastGrowth = 2048;

/** Bytes and where they go on the disk. Written one after the other, each durable before the next. */
export interface TableWrite {
  offset: number;
  bytes: Uint8Array;
}

/** Why a table stays as it is, for people; `undefined` when there is simply nothing to gain. */
export type Refusal = { refused: string | undefined };

const dos = { signature: 510, entries: 446, entrySize: 16, count: 4, type: 4, first: 8, size: 12 } as const;
const protective = 0xee;
const extended: readonly number[] = [0x05, 0x0f, 0x85];
const mostDosSectors = 0xffffffff;

/**
 * The table with a partition that reaches to the end of the disk.
 * @param head the first `tableSize` bytes of the disk
 * @param sectors of the disk
 * @param number of the partition, from 1 on
 */
export function grownTable(head: Uint8Array, sectors: number, number: number): TableWrite[] | Refusal {
  const view = viewOf(head);
  if (head.length < tableSize || view.getUint16(dos.signature, true) !== 0xaa55) return refuse('it has no table');
  const types = [0, 1, 2, 3].map((index) => head[dos.entries + index * dos.entrySize + dos.type] ?? 0);
  return types.includes(protective) ? grownGpt(head, sectors, number) : grownDos(head, sectors, number, types);
}

function grownDos(head: Uint8Array, sectors: number, number: number, types: readonly number[]): TableWrite[] | Refusal {
  const at = (index: number) => dos.entries + index * dos.entrySize;
  const type = types[number - 1] ?? 0;
  if (type === 0 || extended.includes(type)) return refuse(`it has no primary partition ${number}`);
  const bytes = head.slice(0, sectorSize);
  const view = viewOf(bytes);
  const first = view.getUint32(at(number - 1) + dos.first, true);
  if (types.some((other, index) => other !== 0 && view.getUint32(at(index) + dos.first, true) > first))
    return refuse('others come after it');
  const size = Math.min(sectors - first, mostDosSectors);
  if (size - view.getUint32(at(number - 1) + dos.size, true) < leastGrowth) return refuse();
  view.setUint32(at(number - 1) + dos.size, size, true);
  return [{ offset: 0, bytes }];
}

const gpt = { signature: 'EFI PART', size: 12, crc: 16, self: 24, other: 32, lastUsable: 48, entries: 72 } as const;
const gptCount = 80;
const gptEntrySize = 84;
const gptEntriesCrc = 88;
const entry = { first: 32, last: 40 } as const;
const usual = { count: 128, size: 128 } as const;
const entrySectors = (usual.count * usual.size) / sectorSize;

function grownGpt(head: Uint8Array, sectors: number, number: number): TableWrite[] | Refusal {
  const header = head.slice(sectorSize, 2 * sectorSize);
  const old = viewOf(header);
  const size = old.getUint32(gpt.size, true);
  const signature = Array.from(header.subarray(0, 8), (byte) => String.fromCharCode(byte)).join('');
  const entries = head.slice(2 * sectorSize, tableSize);
  const isWhole =
    signature === gpt.signature &&
    size >= 92 &&
    size <= sectorSize &&
    headerCrc(header) === old.getUint32(gpt.crc, true) &&
    crc32(entries) === old.getUint32(gptEntriesCrc, true);
  const isUsual =
    old.getUint32(gptCount, true) === usual.count &&
    old.getUint32(gptEntrySize, true) === usual.size &&
    word(old, gpt.entries) === 2;
  if (!isWhole || !isUsual) return refuse('its GPT is damaged or unusual');
  const table = viewOf(entries);
  const at = (number - 1) * usual.size;
  const first = word(table, at + entry.first);
  if (first === 0) return refuse(`it has no partition ${number}`);
  for (let index = 0; index < usual.count; index += 1)
    if (word(table, index * usual.size + entry.first) > first) return refuse('others come after it');
  const last = sectors - 1;
  const lastUsable = last - entrySectors - 1;
  if (lastUsable - word(table, at + entry.last) < leastGrowth) return refuse();
  putWord(table, at + entry.last, lastUsable);

  const place = (self: number, other: number, entriesAt: number) => {
    const next = header.slice();
    const view = viewOf(next);
    putWord(view, gpt.self, self);
    putWord(view, gpt.other, other);
    putWord(view, gpt.lastUsable, lastUsable);
    putWord(view, gpt.entries, entriesAt);
    view.setUint32(gptEntriesCrc, crc32(entries), true);
    view.setUint32(gpt.crc, headerCrc(next), true);
    return next;
  };
  const start = head.slice(0, tableSize);
  start.set(place(1, last, 2), sectorSize);
  start.set(entries, 2 * sectorSize);
  for (let index = 0; index < dos.count; index += 1) {
    const dosAt = dos.entries + index * dos.entrySize;
    if (start[dosAt + dos.type] === protective)
      viewOf(start).setUint32(dosAt + dos.size, Math.min(last, mostDosSectors), true);
  }
  // A power cut leaves the old table, or the new one: what differs at the start is in its first piece unless the partition's number is high.
  const changed = 2 * sectorSize + at + usual.size;
  if (changed > atomicSize) return refuse('it is not among the first partitions');
  return [
    { offset: (last - entrySectors) * sectorSize, bytes: entries },
    { offset: last * sectorSize, bytes: place(last, 1, last - entrySectors) },
    { offset: 0, bytes: start.slice(0, atomicSize) },
  ];
}

function headerCrc(header: Uint8Array): number {
  const copy = header.slice(0, Math.min(sectorSize, viewOf(header).getUint32(gpt.size, true)));
  copy.fill(0, gpt.crc, gpt.crc + 4);
  return crc32(copy);
}

const refuse = (refused?: string): Refusal => ({ refused });
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const word = (view: DataView, at: number) => Number(view.getBigUint64(at, true));
const putWord = (view: DataView, at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
