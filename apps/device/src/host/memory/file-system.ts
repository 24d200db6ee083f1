/** One simulated file system: inodes, directory entries, space, and the difference between written and durable. */
import { type FileKind, HostError } from '../ports.ts';
import {
  applyChange,
  type ContentChange,
  type EntryChange,
  type EntryEffect,
  survivingContent,
  survivingEntries,
  takeDurableEntries,
} from './durability.ts';
import type { Choose } from './random.ts';

export interface Inode {
  readonly id: number;
  readonly kind: FileKind;
  mode: number;
  uid: number;
  gid: number;
  modified: number;
  links: number;
  /** Durable entries that lead here. */
  durableLinks: number;
  /** Of a file. Arrays are never changed in place, so copies of a file system share them. */
  content: Uint8Array;
  /** Of a symbolic link. */
  target: string;
  /** Of a directory. */
  entries: Map<string, number>;
  durable: { content: Uint8Array; mode: number; entries: Map<string, number> };
  pending: ContentChange[];
}

/** An inode as it was when the journal was emptied last. */
interface SettledInode {
  content: Uint8Array;
  target: string;
  entries: Map<string, number>;
}

const nothing = new Uint8Array(0);
const blockSize = 4096;
const rootInode = 1;

const blocks = (size: number) => Math.ceil(size / blockSize) * blockSize;

export interface FileSystemOptions {
  /** As statfs and the mount table name it, e.g. `ext4`. */
  type: string;
  /** `major:minor` */
  device: string;
  /** Bytes. */
  capacity: number;
  /** False: gone with the power, and not part of cuts (tmpfs). */
  persistent: boolean;
}

/** A file system in memory. All operations work on inodes; paths are the matter of the name space above. */
export class FileSystem {
  readonly options: FileSystemOptions;
  readonly #inodes = new Map<number, Inode>();
  readonly #pendingEntries: EntryChange[] = [];
  /** What is in its place on the disk, and not only in the journal; by inode. */
  readonly #settled = new Map<number, SettledInode>();
  #nextInode = rootInode;
  #used = 0;

  constructor(options: FileSystemOptions, now: number) {
    this.options = options;
    const root = this.#create('directory', 0o755, now);
    root.links = 2;
  }

  get root(): Inode {
    return this.inode(rootInode);
  }

  get used(): number {
    return this.#used;
  }

  get available(): number {
    return Math.max(0, this.options.capacity - this.#used);
  }

  inode(id: number): Inode {
    const inode = this.#inodes.get(id);
    if (inode === undefined) throw new HostError('EIO', 'read inode', String(id));
    return inode;
  }

  child(directory: Inode, name: string): Inode | undefined {
    const id = directory.entries.get(name);
    return id === undefined ? undefined : this.inode(id);
  }

  /** Makes a new inode and its entry; the entry is durable only after {@link syncDirectory}. */
  make(directory: Inode, name: string, kind: FileKind, mode: number, now: number, target = ''): Inode {
    const inode = this.#create(kind, mode, now);
    inode.target = target;
    if (kind === 'directory') {
      inode.links = 1;
      directory.links += 1;
    }
    this.#change(now, [{ directory: directory.id, name, inode: inode.id }]);
    return inode;
  }

  link(inode: Inode, directory: Inode, name: string, now: number): void {
    this.#change(now, [{ directory: directory.id, name, inode: inode.id }]);
  }

  remove(directory: Inode, name: string, now: number): void {
    if (this.child(directory, name)?.kind === 'directory') directory.links -= 1;
    this.#change(now, [{ directory: directory.id, name, inode: undefined }]);
  }

  /** Moves an entry, replacing what is at the target, in one step that a power cut does not split. */
  rename(from: Inode, name: string, to: Inode, newName: string, now: number): void {
    const inode = this.child(from, name);
    if (inode === undefined) return;
    if (inode.kind === 'directory') {
      from.links -= 1;
      if (this.child(to, newName)?.kind !== 'directory') to.links += 1;
    }
    this.#change(now, [
      { directory: to.id, name: newName, inode: inode.id },
      { directory: from.id, name, inode: undefined },
    ]);
  }

  /** Changes the content. Fails with ENOSPC as a whole; real file systems may keep a part, which a later truncation removes. */
  changeContent(inode: Inode, change: ContentChange, now: number): void {
    const next = applyChange(inode.content, change);
    const growth = blocks(next.length) - blocks(inode.content.length);
    if (growth > this.available) throw new HostError('ENOSPC', 'write');
    this.#used += growth;
    inode.content = next;
    inode.modified = now;
    if (this.options.persistent) inode.pending.push(change);
  }

  sync(inode: Inode): void {
    inode.durable.content = inode.content;
    inode.durable.mode = inode.mode;
    inode.pending = [];
  }

  syncDirectory(directory: Inode): void {
    for (const effect of takeDurableEntries(this.#pendingEntries, directory.id)) this.#makeDurable(effect);
    directory.durable.mode = directory.mode;
  }

  /** sync(2): everything becomes durable. */
  syncAll(): void {
    const changes = this.#pendingEntries.splice(0);
    for (const change of changes) for (const effect of change.effects) this.#makeDurable(effect);
    for (const inode of this.#inodes.values()) this.sync(inode);
  }

  /**
   * syncfs(2), and what the journal holds goes to its place. The simulated journal is emptied by nothing else, as if the power always
   * went before the kernel came to it.
   */
  settle(): void {
    this.syncAll();
    this.#settled.clear();
    for (const { id, content, target, entries } of this.#inodes.values())
      this.#settled.set(id, { content, target, entries: new Map(entries) });
  }

  /** Whether {@link settle} has nothing to do. */
  get isSettled(): boolean {
    const isSame = ({ id, content, target, entries }: Inode) => {
      const old = this.#settled.get(id);
      return (
        old?.content === content &&
        old.target === target &&
        old.entries.size === entries.size &&
        [...entries].every(([name, inode]) => old.entries.get(name) === inode)
      );
    };
    return this.#settled.size === this.#inodes.size && [...this.#inodes.values()].every(isSame);
  }

  /**
   * Content of a file as somebody finds it who does not play back the journal, undefined when it is not there. What was written over
   * a file of the same size is in its place.
   * @param names of directories from the root on, and of the file
   */
  withoutJournal(names: readonly string[]): Uint8Array | undefined {
    let id: number | undefined = rootInode;
    for (const name of names) id = this.#settled.get(id ?? 0)?.entries.get(name);
    const settled = id === undefined ? undefined : this.#settled.get(id);
    const now = this.#inodes.get(id ?? 0)?.durable.content;
    return now !== undefined && now.length === settled?.content.length ? now : settled?.content;
  }

  /**
   * The file system as a power cut leaves it, by the answers of `choose`; this one goes on unchanged.
   * Directories and files that no durable entry leads to are gone.
   */
  afterPowerCut(choose: Choose): FileSystem {
    const next = new FileSystem(this.options, 0);
    next.#inodes.clear();
    next.#nextInode = this.#nextInode;
    for (const [id, settled] of this.#settled) next.#settled.set(id, settled);
    const entriesOf = new Map<number, Map<string, number>>();
    const entries = (id: number) => {
      let own = entriesOf.get(id);
      if (own === undefined) {
        own = new Map(this.#inodes.get(id)?.durable.entries);
        entriesOf.set(id, own);
      }
      return own;
    };
    for (const { directory, name, inode } of survivingEntries(this.#pendingEntries, choose))
      inode === undefined ? entries(directory).delete(name) : entries(directory).set(name, inode);
    const revive = (id: number): Inode => {
      const known = next.#inodes.get(id);
      if (known !== undefined) {
        known.links += 1;
        known.durableLinks += 1;
        return known;
      }
      const old = this.inode(id);
      const content = survivingContent(old.durable.content, old.pending, choose);
      const mode = old.mode === old.durable.mode || choose(2) === 0 ? old.durable.mode : old.mode;
      const own = old.kind === 'directory' ? entries(id) : new Map<string, number>();
      const inode: Inode = {
        ...old,
        content,
        mode,
        links: 1,
        durableLinks: 1,
        entries: own,
        durable: { content, mode, entries: new Map(own) },
        pending: [],
      };
      next.#inodes.set(id, inode);
      next.#used += blocks(content.length);
      for (const child of own.values()) if (revive(child).kind === 'directory') inode.links += 1;
      return inode;
    };
    const root = revive(rootInode);
    root.links += 1;
    return next;
  }

  #create(kind: FileKind, mode: number, now: number): Inode {
    const id = this.#nextInode;
    this.#nextInode += 1;
    const durable = { content: nothing, mode, entries: new Map<string, number>() };
    const inode: Inode = {
      id,
      kind,
      mode,
      uid: 0,
      gid: 0,
      modified: now,
      links: 0,
      durableLinks: 0,
      content: nothing,
      target: '',
      entries: new Map(),
      durable,
      pending: [],
    };
    this.#inodes.set(id, inode);
    return inode;
  }

  #change(now: number, effects: EntryEffect[]): void {
    for (const { directory, name, inode } of effects) {
      const owner = this.inode(directory);
      const old = owner.entries.get(name);
      if (inode === undefined) owner.entries.delete(name);
      else {
        owner.entries.set(name, inode);
        this.inode(inode).links += 1;
      }
      if (old !== undefined) this.#release(this.inode(old));
      owner.modified = now;
    }
    if (this.options.persistent) this.#pendingEntries.push({ effects });
  }

  #release(inode: Inode): void {
    inode.links -= 1;
    const dead = inode.kind === 'directory' ? inode.entries.size === 0 && inode.links <= 1 : inode.links === 0;
    if (!dead) return;
    this.#used -= blocks(inode.content.length);
    inode.links = 0;
    this.#forget(inode);
  }

  #makeDurable({ directory, name, inode }: EntryEffect): void {
    // The directory may itself be removed already; nothing that is lost with it matters any more.
    const entries = this.#inodes.get(directory)?.durable.entries;
    const old = this.#inodes.get(entries?.get(name) ?? 0);
    if (inode === undefined) entries?.delete(name);
    else {
      entries?.set(name, inode);
      const linked = this.#inodes.get(inode);
      if (linked !== undefined) linked.durableLinks += 1;
    }
    if (old === undefined) return;
    old.durableLinks -= 1;
    this.#forget(old);
  }

  /** Drops an inode that nothing leads to, neither now nor after a power cut, which may bring removed entries back. */
  #forget(inode: Inode): void {
    if (inode.links > 0 || inode.durableLinks > 0) return;
    const named = (change: EntryChange) => change.effects.some((effect) => effect.inode === inode.id);
    if (!this.#pendingEntries.some(named)) this.#inodes.delete(inode.id);
  }
}
