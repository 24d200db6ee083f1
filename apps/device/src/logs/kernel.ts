/** The kernel's own log, record by record: /dev/kmsg (logs.md §5; Documentation/ABI/testing/dev-kmsg of the kernel). */
import type { Files } from '../host/ports.ts';
import type { ByteSource, Streams } from '../host/streams.ts';
import type { LogDesk } from './desk.ts';
import { ownPlatform } from './outputs.ts';
import type { Positions } from './positions.ts';

const device = '/dev/kmsg';
const infoLevel = 3;

export interface KernelRecord {
  sequence: number;
  /** Microseconds since the machine started. */
  at: number;
  text: string;
}

/** Reads `priority,sequence,microseconds,flags…;text`, without the lines of key and value that may follow. Undefined: no such record. */
export function parseKernelRecord(record: string): KernelRecord | undefined {
  const match = /^\d+,(\d+),(\d+),[^;]*;([^\n]*)/.exec(record);
  if (match === null) return undefined;
  const [, sequence, at, text = ''] = match;
  return { sequence: Number(sequence), at: Number(at), text };
}

/** `[   12.345678] text`. */
export function formatKernelRecord({ at, text }: KernelRecord): string {
  return `[${(at / 1_000_000).toFixed(6).padStart(12)}] ${text}`;
}

const isPrintable = (text: string) => text !== '' && !/\p{Cc}/u.test(text.replaceAll('\t', ' '));

/**
 * Copies the kernel's records into the log, those first that nobody has copied since the machine started.
 * @returns what ends it
 * @throws HostError when the device cannot be opened
 */
export async function captureKernelLog(room: {
  files: Pick<Files, 'readText'>;
  streams: Pick<Streams, 'records'>;
  positions: Positions;
  desk: LogDesk;
  decode: (bytes: Uint8Array) => string;
}): Promise<() => void> {
  const { files, streams, positions, desk, decode } = room;
  const boot = (await files.readText('/proc/sys/kernel/random/boot_id').catch(() => '')).trim();
  const noted = await positions.get('dmesg');
  let next = noted?.identity === boot ? noted.offset : 0;
  const source: ByteSource = await streams.records(device);
  source.start(
    (bytes) => {
      const record = parseKernelRecord(decode(bytes));
      if (record === undefined || record.sequence < next) return;
      next = record.sequence + 1;
      positions.set('dmesg', { identity: boot, offset: next });
      if (!isPrintable(record.text)) return;
      const message = {
        protocol: 'legacy',
        level: infoLevel,
        source: 'dmesg',
        data: formatKernelRecord(record),
      } as const;
      return desk.put(message, ownPlatform);
    },
    () => {},
  );
  return () => source.close();
}
