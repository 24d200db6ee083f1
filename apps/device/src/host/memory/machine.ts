/** The simulated machine: what stays when the runtime dies, and what of it stays when the power goes. */
import { HostError, type ProcessResult, type RunningContainer } from '../ports.ts';
import type { ContainerScript, ContainerScripts, MemoryContainer } from './container-script.ts';
import { FileSystem, type Inode } from './file-system.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { MemoryServer } from './http-server.ts';
import { NameSpace } from './name-space.ts';
import type { Choose } from './random.ts';
import type { Timeline } from './timeline.ts';
import { encodeUtf8 } from './utf8.ts';
import type { MemoryWatchdog } from './watchdog.ts';

/** A change of a persistent file system, in the order in which they were asked for. */
export interface DiskEffect {
  /** Counts from 1 since the machine was switched on. */
  index: number;
  operation: string;
  path: string;
}

/** A fake program: gets the whole argument vector and the input, answers like the real one would. */
export type MemoryProgram = (
  argv: string[],
  options: { environment?: Record<string, string>; directory?: string; input?: string },
) => Partial<ProcessResult> | Promise<Partial<ProcessResult>>;

/** Makes matching file operations fail; `times` counts down, absent means for ever. */
export interface Fault {
  /** Name of a method of `Files`, e.g. `write` or `sync`; absent: any. */
  operation?: string;
  path: string | RegExp;
  /** E.g. `EIO`, `ENOSPC`, `EROFS`. */
  code: string;
  times?: number;
}

/** What a power cut leaves of a machine, and the digests of contents that are known. */
interface Survivor {
  disk: FileSystem;
  digests: WeakMap<Uint8Array, string>;
  powerCuts: number;
}

export interface MachineOptions {
  /** Bytes of the persistent file system; default 1 GiB. */
  capacity: number;
  filesystem: string;
  /** Where a tmpfs is mounted from the start. */
  volatile: string[];
  /** Unix time in milliseconds at which the machine is switched on. */
  wall: number;
  programs: Record<string, MemoryProgram>;
  containers: ContainerScripts;
  /** SHA-256 as hex digits; the default is in plain ECMAScript, a platform's own is faster. */
  sha256: (data: Uint8Array) => string;
  /** Time of the machine from its start on, given what the wall clock shows then; the default stands still until it is driven. */
  timeline: (wall: number) => Timeline;
}

export class Machine {
  readonly options: MachineOptions;
  readonly names: NameSpace;
  readonly timeline: Timeline;
  readonly programs: Map<string, MemoryProgram>;
  /** Block devices that can be mounted, each with what is on it; undefined before its first mount. */
  readonly blockDevices = new Map<string, FileSystem | undefined>();
  readonly faults: Fault[] = [];
  readonly containers = new Map<number, MemoryContainer>();
  /** Locked files and the process that holds each. */
  readonly locks = new Map<Inode, number>();
  readonly controlGroups = new Set<string>();
  readonly scripts: Map<string, ContainerScript>;
  /** Starts of each container name so far. */
  readonly starts = new Map<string, number>();
  /** Mount points that something still uses. */
  readonly busyMounts = new Set<string>();
  readonly servers = new Map<string, MemoryServer>();
  readonly bridges = new Map<string, { address?: string; up: boolean }>();
  /** Watchdogs that the machine has, by path; a test puts them there. */
  readonly watchdogs = new Map<string, MemoryWatchdog>();
  /** Pids of all processes that live: runtime, monitors, container inits, spawned programs. */
  readonly processes = new Set<number>();
  readonly observers: ((effect: DiskEffect) => void)[] = [];
  /** Resolves when the machine has lost its power or was switched off. */
  readonly powerLost: Promise<'cut' | 'reboot' | 'poweroff'>;
  #losePower: (reason: 'cut' | 'reboot' | 'poweroff') => void = () => {};
  #off = false;
  #effects = 0;
  #lastEffect = Number.POSITIVE_INFINITY;
  #nextPid = 100;
  readonly #disk: FileSystem;
  readonly #digests: WeakMap<Uint8Array, string>;
  /** Power cuts that its disk has been through. */
  readonly powerCuts: number;

  /** @param survivor what a power cut left of an earlier machine */
  constructor(options: MachineOptions, survivor?: Survivor) {
    this.options = options;
    this.#digests = survivor?.digests ?? new WeakMap();
    this.powerCuts = survivor?.powerCuts ?? 0;
    this.timeline = options.timeline(options.wall);
    const root =
      survivor?.disk ??
      new FileSystem(
        { type: options.filesystem, device: '8:1', capacity: options.capacity, persistent: true },
        options.wall,
      );
    this.#disk = root;
    this.names = new NameSpace(root);
    this.scripts = new Map(Object.entries(options.containers));
    this.programs = new Map(Object.entries(options.programs));
    this.powerLost = new Promise((resolve) => {
      this.#losePower = resolve;
    });
    for (const path of options.volatile) {
      this.#makePath(path);
      const fileSystem = this.names.volatileFileSystem('tmpfs', options.wall);
      this.names.attach({ fileSystem, root: fileSystem.root, source: 'tmpfs', target: path, flags: [] });
    }
    root.syncAll();
  }

  /** Number of changes of persistent files so far. */
  get effects(): number {
    return this.#effects;
  }

  get isOff(): boolean {
    return this.#off;
  }

  /** The `n`-th change of a persistent file from now on is the last: before the next one the power goes. */
  cutAfter(n: number): void {
    this.#lastEffect = this.#effects + n;
  }

  /** The end of this machine. In order, everything written becomes durable first. */
  switchOff(reason: 'cut' | 'reboot' | 'poweroff'): void {
    if (reason !== 'cut') this.#disk.settle();
    this.#off = true;
    this.timeline.stop();
    this.#losePower(reason);
  }

  /** Counts a change of a persistent file. False: the power went just before it. */
  admit(): boolean {
    if (this.#off) return false;
    if (this.#effects >= this.#lastEffect) {
      this.switchOff('cut');
      return false;
    }
    this.#effects += 1;
    return true;
  }

  /** Tells observers that the effect counted last has taken place. */
  report(operation: string, path: string): void {
    for (const observer of this.observers) observer({ index: this.#effects, operation, path });
  }

  /** Throws when a fault is set for this operation and path. */
  checkFaults(operation: string, path: string): void {
    const fault = this.faults.find(
      (candidate) =>
        (candidate.operation === undefined || candidate.operation === operation) &&
        (typeof candidate.path === 'string' ? candidate.path === path : candidate.path.test(path)),
    );
    if (fault === undefined) return;
    if (fault.times !== undefined) {
      fault.times -= 1;
      if (fault.times <= 0) this.faults.splice(this.faults.indexOf(fault), 1);
    }
    throw new HostError(fault.code, operation, path);
  }

  /** SHA-256 of a file's content; contents never change in place, so each is hashed once. */
  digest(content: Uint8Array): string {
    let digest = this.#digests.get(content);
    if (digest === undefined) {
      digest = this.options.sha256(content);
      this.#digests.set(content, digest);
    }
    return digest;
  }

  newPid(): number {
    this.#nextPid += 1;
    this.processes.add(this.#nextPid);
    return this.#nextPid;
  }

  findContainer(running: Pick<RunningContainer, 'initPid'>): MemoryContainer | undefined {
    return this.containers.get(running.initPid);
  }

  /** A new machine with the disk that a power cut leaves; this one is not changed. */
  afterPowerCut(choose: Choose): Machine {
    const disk = this.#disk.afterPowerCut(choose);
    const survivor = { disk, digests: this.#digests, powerCuts: this.powerCuts + 1 };
    return new Machine({ ...this.options, wall: this.timeline.wall() }, survivor);
  }

  /** A file of the disk as a boot loader finds it, which does not play back the journal; undefined when it is not there. */
  readAsLoader(path: string): Uint8Array | undefined {
    return this.#disk.withoutJournal(path.split('/').filter((name) => name !== ''));
  }

  /** Names what is on the disk as if it were all durable; see `fingerprintOf`. */
  fingerprint(): string {
    return fingerprintOf(this.#disk, (content) => this.digest(content));
  }

  /** Writes what a process shows of itself in `/proc/<pid>/`. */
  writeProcFile(pid: number, name: string, text: string): void {
    const directory = `/proc/${pid}`;
    this.#makePath(directory);
    const { mount, inode } = this.names.find(directory, 'write');
    const file = mount.fileSystem.child(inode, name) ?? mount.fileSystem.make(inode, name, 'file', 0o444, 0);
    mount.fileSystem.changeContent(file, { kind: 'write', offset: 0, data: encodeUtf8(text) }, this.timeline.wall());
  }

  removeProcFiles(pid: number): void {
    const place = this.names.walk(`/proc/${pid}`, 'remove', false);
    if (place.found !== undefined) place.mount.fileSystem.remove(place.directory, place.name, 0);
  }

  #makePath(path: string): void {
    let made = '';
    for (const name of path.split('/').filter((part) => part !== '')) {
      made += `/${name}`;
      const place = this.names.walk(made, 'make directory', true);
      if (place.found === undefined)
        place.mount.fileSystem.make(place.directory, name, 'directory', 0o755, this.options.wall);
    }
  }
}
