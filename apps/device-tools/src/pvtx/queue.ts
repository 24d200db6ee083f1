/** A queue: packages and removals in a folder, numbered, that become one transaction later (pvtx.md §2, §6). */
import { PvtxFailure } from './failure.ts';
import { addState, removePart } from './merge.ts';
import { readPackage, storeObject } from './package.ts';
import type { Status } from './status.ts';
import type { Transaction } from './transaction.ts';

const removal = '.remove';
/** Digits and two low lines before every name. */
const prefix = /^(\d+)__/;

export class Queue {
  readonly #transaction: Transaction;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  /** @param folder of the queue @param objects folder of objects */
  async begin(folder: string | undefined, objects: string | undefined): Promise<void> {
    if (!folder || !objects)
      throw new PvtxFailure('name two folders: that of the queue, and that of the objects', 'addInactive');
    const { host } = this.#transaction;
    if ((await this.#transaction.status())?.phase === 'active')
      throw new PvtxFailure("a transaction is going on; 'pvtx abort' ends it", 'kind');
    await host.files.makeDirectory(folder, 0o775);
    await host.files.makeDirectory(objects);
    await this.#transaction.setStatus({ phase: 'set', objects, queue: { folder, count: 0 } });
  }

  async remove(part = ''): Promise<void> {
    const { status, queue } = await this.#open();
    if (part === '') throw new PvtxFailure('name the part to remove', 'addInactive');
    const { files } = this.#transaction.host;
    await files.replace(`${queue.folder}/${numbered(queue.count, part.replaceAll('/', '%2F'))}${removal}`, '');
    await this.#count(status, queue);
  }

  /** Stores the objects of a package now and its state in the queue. */
  async unpack(pieces: AsyncIterable<Uint8Array>, name: string): Promise<void> {
    const { status, queue } = await this.#open();
    const { host } = this.#transaction;
    const state = await readPackage(host, pieces, (sha256, _, content) =>
      storeObject(host, status.objects, sha256, content),
    );
    const folder = `${queue.folder}/${numbered(queue.count, name)}`;
    await host.files.makeDirectory(folder);
    await host.files.replace(`${folder}/json`, state);
    await this.#count(status, queue);
  }

  /** Carries everything out, in order, on the transaction that is going on. */
  async process(): Promise<void> {
    const status = await this.#transaction.active('removeInactive');
    const { queue } = status;
    if (!queue) throw new PvtxFailure("there is no queue; 'pvtx queue new' makes one", 'addInactive');
    const { files } = this.#transaction.host;
    const numberOf = (name: string) => Number(prefix.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
    const entries = (await files.list(queue.folder)).sort((a, b) => numberOf(a) - numberOf(b) || (a < b ? -1 : 1));
    const { decode } = this.#transaction.host.transport;
    await this.#transaction.edit(async (before) => {
      let state = before;
      for (const entry of entries) {
        if (entry.endsWith(removal)) state = removePart(state, partOf(entry), decode);
        else {
          const added = await this.#take(`${queue.folder}/${entry}`, status.objects);
          if (added !== undefined) state = addState(state, added, decode);
        }
      }
      return state;
    });
  }

  /** Text of the state in a folder of the queue; the objects beside it go where they belong. */
  async #take(folder: string, objects: string): Promise<string | undefined> {
    const { host } = this.#transaction;
    const { files } = host;
    if (!files.exists(`${folder}/json`)) return undefined;
    for (const name of files.exists(`${folder}/objects`) ? await files.list(`${folder}/objects`) : []) {
      const path = `${folder}/objects/${name}`;
      await storeObject(host, objects, name, (await files.open(path)).pieces);
      await files.remove(path);
    }
    return files.readText(`${folder}/json`);
  }

  async #open(): Promise<{ status: Status; queue: NonNullable<Status['queue']> }> {
    const status = await this.#transaction.status();
    if (!status?.queue || (status.phase !== 'set' && status.phase !== 'active'))
      throw new PvtxFailure("there is no queue; 'pvtx queue new' makes one", 'addInactive');
    return { status, queue: status.queue };
  }

  async #count(status: Status, queue: NonNullable<Status['queue']>): Promise<void> {
    await this.#transaction.setStatus({ ...status, queue: { ...queue, count: queue.count + 1 } });
  }
}

const numbered = (count: number, name: string) => `${String(count).padStart(3, '0')}__${name}`;
const partOf = (entry: string) => entry.replace(prefix, '').slice(0, -removal.length).replaceAll('%2F', '/');
