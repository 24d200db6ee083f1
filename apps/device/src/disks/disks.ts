/** The disks of a revision: opened by name when they are needed, each once, and closed in the opposite order. */
import type { Disk } from '@pantavisor/state';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import type { Log } from '../runtime/log.ts';
import { runProgram } from '../runtime/programs.ts';
import { makeTree } from '../storage/durable.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { closeCrypt, openCrypt } from './crypt.ts';
import { openDual } from './dual.ts';
import { closeSwap, openSwap } from './swap.ts';
import { closeVolumeDisk, openVolumeDisk } from './volume-disk.ts';

export interface DisksParts {
  host: Pick<Host, 'files' | 'mounts' | 'processes' | 'system'>;
  places: {
    storage: string;
    /** `<M>`: disks are mounted below `<M>/pv/dmcrypt`. */
    media: string;
    /** `<L>/pv`: a board may bring its own program for encrypted disks. */
    library: string;
    /** Directory of notes and markers, gone with a restart of the machine. */
    disks: string;
  };
  log: Log;
}

interface Open {
  /** Directory of its content; absent for swap space. */
  directory?: string;
  close(): Promise<void>;
}

const cryptTypes: readonly string[] = ['dm-crypt-versatile', 'dm-crypt-caam', 'dm-crypt-dcp'];

export class Disks {
  readonly #parts: DisksParts;
  readonly #disks: readonly Disk[];
  /** In the order of opening. */
  readonly #open = new Map<string, Open>();

  constructor(parts: DisksParts, disks: readonly Disk[]) {
    this.#parts = parts;
    this.#disks = disks;
  }

  /** Uses all swap disks. @throws Failure of the first that cannot be used */
  async openSwaps(): Promise<void> {
    for (const disk of this.#disks) if (disk.type === 'swap-disk') await this.open(disk.name);
  }

  /** Directory of an open disk. */
  directory(name: string): string | undefined {
    return this.#open.get(name)?.directory;
  }

  /**
   * Opens a disk unless it is open.
   * @param create false: an encrypted one that was never made is a failure
   * @returns its directory, `''` for swap space
   * @throws Failure that names the disk
   */
  async open(name: string, create = true): Promise<string> {
    const found = this.#open.get(name);
    if (found !== undefined) return found.directory ?? '';
    const disk = this.#disks.find((candidate) => candidate.name === name);
    if (disk === undefined)
      throw new Failure('disk-unknown', `cannot open the disk ${name}: there is no such disk`, {
        hint: 'see "disks" of device.json',
      });
    const open = await this.#openOne(disk, create);
    this.#open.set(name, open);
    return open.directory ?? '';
  }

  /** Closes all, the last opened first; what cannot be closed is said, and left to the end of the machine. */
  async close(): Promise<void> {
    for (const [name, { close }] of [...this.#open].reverse()) {
      await close().catch((error) =>
        this.#parts.log('ERROR', 'disks', error instanceof Error ? error.message : String(error)),
      );
      this.#open.delete(name);
    }
  }

  async #closeOne(name: string): Promise<void> {
    await this.#open.get(name)?.close();
    this.#open.delete(name);
  }

  async #openOne(disk: Disk, create: boolean): Promise<Open> {
    const { host, places, log } = this.#parts;
    const { name } = disk;
    const usual = `${places.media}/pv/dmcrypt/${name}`;
    if (disk.type === 'directory') return this.#directory(disk);
    if (disk.type === 'swap-disk') {
      const device = await openSwap(host, disk, await this.#noted(name));
      await this.#note(name, device);
      return { close: () => closeSwap(host, disk, device) };
    }
    if (disk.type === 'volume-disk' && disk.provision === undefined) {
      const directory = `${places.storage}/pv/volume-disk/${name}`;
      await makeTree(host.files, directory);
      return { directory, close: async () => {} };
    }
    if (disk.type === 'dual') {
      const parts = {
        files: host.files,
        processes: host.processes,
        open: (part: string, mayCreate: boolean) => this.open(part, mayCreate),
        close: (part: string) => this.#closeOne(part),
        markers: `${places.storage}/pv/dual`,
        log,
      };
      return { directory: await openDual(parts, disk), close: async () => {} };
    }
    const target = disk.mountTarget ?? usual;
    const isMounted = (await host.mounts.list()).some((mount) => mount.target === target);
    if (cryptTypes.includes(disk.type)) {
      const script = `${places.library}/volmount/crypt/crypt`;
      if ((await host.files.status(script, { follow: true })) !== undefined)
        return this.#openByProgram(script, disk, target, isMounted, create);
      if (!isMounted) await openCrypt(host, disk, target, create, log);
      return { directory: target, close: () => closeCrypt(host, disk, target) };
    }
    const device = isMounted ? ((await this.#noted(name)) ?? '') : await openVolumeDisk(host, disk, target, log);
    await this.#note(name, device);
    return { directory: target, close: () => closeVolumeDisk(host, disk, target, device) };
  }

  /** Documented, and unfinished in the original: a directory of the storage, or of anything that is mounted. */
  async #directory({ name, path }: Disk): Promise<Open> {
    if (path === undefined || !path.startsWith('/'))
      throw new Failure('disk-path', `cannot open the disk ${name}: its path is no absolute directory`);
    await makeTree(this.#parts.host.files, path);
    return { directory: path.replace(/(?<=.)\/+$/, ''), close: async () => {} };
  }

  /** The board's own program, with the arguments of the original's. */
  async #openByProgram(
    program: string,
    disk: Disk,
    target: string,
    isMounted: boolean,
    create: boolean,
  ): Promise<Open> {
    const { host } = this.#parts;
    const { name, type, mode, path = '', migrateKeyblob } = disk;
    const common = ['--type', type.replace('dm-crypt-', ''), '--mode', mode];
    const call = (verb: string, options: readonly string[]) =>
      runProgram(host, `${verb} the disk ${name}`, [program, verb, ...common, ...options, '--', path, target], {
        timeout: 600_000,
      });
    await makeDirectories(host.files, target);
    if (!isMounted)
      await call('mount', [...(create ? [] : ['--no-create']), ...(migrateKeyblob ? ['--migrate-keyblob'] : [])]);
    return { directory: target, close: async () => void (await call('umount', [])) };
  }

  /** The device that an earlier runtime has taken for a disk, as long as the machine runs. */
  async #noted(name: string): Promise<string | undefined> {
    const text = await this.#parts.host.files
      .readText(`${this.#parts.places.disks}/${name}`, 4096)
      .catch(() => undefined);
    return text?.trim();
  }

  async #note(name: string, device: string): Promise<void> {
    await makeDirectories(this.#parts.host.files, this.#parts.places.disks);
    await this.#parts.host.files.write(`${this.#parts.places.disks}/${name}`, `${device}\n`);
  }
}
