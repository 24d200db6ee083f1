/**
 * What a power cut leaves of a disk that keeps writes to itself until it is told to flush them. QEMU alone has them all on this machine's disk when
 * it is killed; its log of writes (block/blklogwrites.c, the format of the kernel's Documentation/admin-guide/device-mapper/log-writes.rst) tells which of
 * them the device was promised.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

interface LoggedWrite {
  /** Place on the disk in bytes. */
  offset: number;
  bytes: Buffer;
}

export interface WriteLog {
  /** In the order in which they were done. */
  writes: LoggedWrite[];
  /** So many of the first ones were flushed. */
  flushed: number;
}

const magic = 0x6a736677736872n;
const flags = { flush: 1n, discard: 4n } as const;

/**
 * Reads a log. The last entry of a machine that was killed may be incomplete; it is left out.
 * @throws Error when it is no log
 */
export function readWriteLog(file: string): WriteLog {
  const log = readFileSync(file);
  if (log.length < 28 || log.readBigUInt64LE(0) !== magic)
    throw new Error(`cannot read ${file}: it is no log of writes`);
  const sector = log.readUInt32LE(24);
  const writes: LoggedWrite[] = [];
  let flushed = 0;
  for (let at = sector; at + sector <= log.length; ) {
    const [place, count, flag] = [0, 8, 16].map((offset) => log.readBigUInt64LE(at + offset)) as [
      bigint,
      bigint,
      bigint,
    ];
    at += sector;
    if ((flag & flags.flush) !== 0n) flushed = writes.length;
    // What is discarded may be anything after; this machine's disk keeps it.
    if ((flag & flags.discard) !== 0n || count === 0n) continue;
    const length = Number(count) * sector;
    if (at + length > log.length) break;
    writes.push({ offset: Number(place) * sector, bytes: log.subarray(at, at + length) });
    at += length;
  }
  return { writes, flushed };
}

/** Which writes after the last flush are there in spite of the cut. */
export type Loss = 'nothing' | 'some' | 'everything';

/**
 * Writes to a disk, as it was when the machine was started, what is there after a cut.
 * @param random numbers from 0 to 1
 * @returns how many writes were lost, of how many that could have been
 */
export function cutPower(
  disk: string,
  { writes, flushed }: WriteLog,
  loss: Loss,
  random: () => number,
): { lost: number; volatile: number } {
  const file = openSync(disk, 'r+');
  let lost = 0;
  try {
    for (const [index, { offset, bytes }] of writes.entries()) {
      if (index >= flushed && (loss === 'everything' || (loss === 'some' && random() < 0.5))) lost += 1;
      else writeSync(file, bytes, 0, bytes.length, offset);
    }
  } finally {
    closeSync(file);
  }
  return { lost, volatile: writes.length - flushed };
}
