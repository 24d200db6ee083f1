/** Compressed memory as a block device (kernel documentation, admin-guide/blockdev/zram). */
import { type Host, HostError } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';

export type ZramHost = Pick<Host, 'files' | 'processes'>;

const mostDevices = 100;
const path = (index: number, attribute: string) => `/sys/block/zram${index}/${attribute}`;

/**
 * Takes a device that nobody uses and gives it its attributes, in the order given.
 * @param options `attribute=value` separated by blanks, e.g. `comp_algorithm=lz4 disksize=64M`
 * @returns path of the device
 * @throws Failure `disk-zram`
 */
export async function takeZram(host: ZramHost, disk: string, options: string | undefined): Promise<string> {
  const { files, processes } = host;
  await processes.run(['modprobe', '-q', 'zram']).catch(() => undefined);
  const index = await freeIndex(host, disk);
  for (const word of (options ?? '').split(/\s+/).filter((part) => part !== '')) {
    const equals = word.indexOf('=');
    const [attribute, value] = [word.slice(0, equals), word.slice(equals + 1)];
    if (equals < 1 || attribute.includes('/') || attribute.startsWith('.'))
      throw new Failure(
        'disk-zram',
        `cannot provision the disk ${disk}: ${JSON.stringify(word)} is not attribute=value`,
        {
          hint: 'provision_options of a zram disk look like "comp_algorithm=lz4 disksize=64M"',
        },
      );
    try {
      await files.write(path(index, attribute), value);
    } catch (cause) {
      const why = cause instanceof HostError ? cause.code : String(cause);
      await releaseZram(host, `/dev/zram${index}`);
      throw new Failure('disk-zram', `cannot provision the disk ${disk}: the kernel refuses ${word}: ${why}`, {
        cause,
      });
    }
  }
  return `/dev/zram${index}`;
}

/** Gives the memory back. */
export async function releaseZram({ files }: ZramHost, device: string): Promise<void> {
  const index = /^\/dev\/zram(\d+)$/.exec(device)?.[1];
  if (index !== undefined) await files.write(path(Number(index), 'reset'), '1').catch(() => undefined);
}

async function freeIndex({ files }: ZramHost, disk: string): Promise<number> {
  for (let index = 0; index < mostDevices; index += 1) {
    const state = await files.readText(path(index, 'initstate'), 64).catch(() => undefined);
    if (state?.trim() === '0') return index;
    if (state === undefined) break;
  }
  // Reading it makes one more.
  const added = Number(
    (await files.readText('/sys/class/zram-control/hot_add', 64).catch(() => '')).trim() || Number.NaN,
  );
  if (Number.isInteger(added)) return added;
  throw new Failure('disk-zram', `cannot provision the disk ${disk}: the kernel gives no zram device`, {
    hint: 'the kernel needs CONFIG_ZRAM, or its module',
  });
}
