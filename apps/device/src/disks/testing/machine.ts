/** A simulated machine with the programs that disks need: they note how they were called, and mapped devices appear and go. */
import type { Disk } from '@pantavisor/state';
import { createMemoryHost } from '../../host/memory/host.ts';
import type { MemoryProgram } from '../../host/memory/machine.ts';
import { makeDirectories } from '../../volumes/directories.ts';
import { Disks } from '../disks.ts';

export const diskPlaces = {
  storage: '/storage',
  media: '/run/pantavisor/media',
  library: '/usr/lib/pantavisor/pv',
  disks: '/run/pantavisor/disks',
};

export async function diskMachine(programs: Record<string, MemoryProgram> = {}) {
  const calls: string[] = [];
  const inputs: string[] = [];
  const note =
    (program: MemoryProgram): MemoryProgram =>
    (argv, options) => {
      calls.push(argv.join(' '));
      if (options.input !== undefined) inputs.push(options.input);
      return program(argv, options);
    };
  const nothing: MemoryProgram = () => ({});
  let nextLoop = 0;
  const host = createMemoryHost();
  const { files } = host;
  const ours: Record<string, MemoryProgram> = {
    modprobe: nothing,
    mke2fs: nothing,
    e2fsck: nothing,
    mkswap: nothing,
    sync: nothing,
    losetup: (argv) => (argv[1] === '-f' ? { stdout: `/dev/loop${nextLoop++}\n` } : {}),
    dd: async (argv) => {
      const value = (name: string) => argv.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
      await files.write(value('of'), new Uint8Array(Math.min(Number(value('bs')) * Number(value('count')), 1 << 20)));
      return {};
    },
    dmsetup: async ([, verb, name, ...rest]) => {
      const target = verb === 'remove' ? rest.at(-1) : name;
      const directory = '/sys/block/dm-0/dm';
      if (verb === 'create') {
        await makeDirectories(files, directory);
        await files.write(`${directory}/name`, `${target}\n`);
        host.machine.blockDevices.set(`/dev/mapper/${target}`, host.machine.blockDevices.get(`/dev/mapper/${target}`));
      } else await files.unlink(`${directory}/name`);
      return {};
    },
    swapon: async (argv) => {
      const before = await files.readText('/proc/swaps').catch(() => 'Filename\tType\tSize\tUsed\tPriority\n');
      await files.write('/proc/swaps', `${before}${argv.at(-1)} partition 1 0 -2\n`);
      return {};
    },
    swapoff: async (argv) => {
      const before = await files.readText('/proc/swaps');
      await files.write(
        '/proc/swaps',
        before
          .split('\n')
          .filter((line) => !line.startsWith(`${argv.at(-1)} `))
          .join('\n'),
      );
      return {};
    },
    ...programs,
  };
  for (const [name, program] of Object.entries(ours)) host.machine.programs.set(name, note(program));
  const lines: string[] = [];
  const log = (level: string, _: string, message: string) => void lines.push(`${level} ${message}`);
  const open = (...list: Partial<Disk>[]) => new Disks({ host, places: diskPlaces, log }, list.map(disk));
  return { host, files, calls, inputs, lines, log, open };
}

export const disk = (members: Partial<Disk>): Disk => ({
  name: 'd',
  type: 'directory',
  mode: 'unknown',
  default: false,
  migrateKeyblob: false,
  aliases: [],
  disks: [],
  initOrder: [],
  ...members,
});
