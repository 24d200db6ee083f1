/**
 * The objects of a revision from the Hub to the storage (updates.md §4.1, hub-client §1.7): what is missing is asked for, the space is checked, then it
 * is fetched, some at a time. A transfer that was cut goes on where it was, also after a restart; only a body with the right checksum gets
 * the name of an object.
 */
import { type Downloads, type Progress, progressMessage } from '@pantavisor/engine';
import type { ParseContext } from '@pantavisor/state';
import type { DeviceConfig } from '../config/table.ts';
import type { HttpClient } from '../host/http-client.ts';
import { type Clock, type Files, HostError } from '../host/ports.ts';
import { readState } from '../revision/load.ts';
import type { Log } from '../runtime/log.ts';
import { makeTree, unlessCode } from '../storage/durable.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { isObjectId, type ObjectStore } from '../storage/objects.ts';
import { readStateText } from '../storage/revisions.ts';
import type { StorageSpace } from '../storage/space.ts';
import { StepError } from '../updates/step-error.ts';
import { type HubConnection, HubError, parseObject } from './connection.ts';
import { Pace } from './pace.ts';
import { inParallel } from './transfers.ts';

export interface DownloadParts {
  files: Files;
  clock: Clock;
  client: HttpClient;
  connection: HubConnection;
  layout: StorageLayout;
  objects: ObjectStore;
  config: DeviceConfig;
  /** Most bytes a second of all transfers together, as it is configured now; 0: any number. */
  rate(): number;
  context: ParseContext;
  space(): Promise<StorageSpace>;
  /** Makes room on the storage. */
  collect(): Promise<unknown>;
  log: Log;
}

export interface DownloadRequest {
  revision: string;
  /** Rounds that were counted before. */
  retries: number;
  /** Stores and reports where the download stands. */
  note(progress: Progress, downloads?: Downloads): Promise<void>;
}

interface Wanted {
  id: string;
  size: number;
  url: string;
}

/** Milliseconds between two rounds, and between two reports of bytes; rounds without an answer wait longer and longer. */
const times = { roundMs: 6000, reportMs: 6000, longestMs: 300_000 } as const;
const fileMode = 0o644;

export class Downloader {
  readonly #parts: DownloadParts;
  readonly #pace: Pace;
  #cancelWait: (() => void) | undefined;
  #closed = false;

  constructor(parts: DownloadParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.clock, parts.rate);
  }

  /**
   * Brings everything in that the revision needs. Resolves when every object is durable.
   * @throws StepError `space-short`, `download-retries`
   */
  async run(request: DownloadRequest): Promise<void> {
    const ids = await this.#missing(request.revision);
    await this.#forgetPartsBut(ids);
    if (ids.length === 0) return;
    const rounds = new Rounds(request, this.#parts.config.PV_REVISION_RETRIES);
    const wanted = new Map<string, Wanted>();
    await this.#untilDone(rounds, 'downloading-metadata', async () => {
      const open = ids.filter((id) => !wanted.has(id));
      return this.#each(open, async (id) => void wanted.set(id, await this.#find(id)));
    });
    await this.#checkSpace([...wanted.values()]);
    const tally = new Tally(this.#parts.clock, wanted, request, () => rounds.progress('downloading-artifacts'));
    const fetchAll = async () => {
      const open = await this.#stillMissing([...wanted.keys()]);
      return this.#each(open, (id) => this.#fetch(id, wanted, tally));
    };
    await this.#untilDone(rounds, 'downloading-artifacts', fetchAll, () => tally.bytes);
    await this.#forgetPartsBut([]);
  }

  /** Ends all waiting; a download that waits never resolves. */
  close(): void {
    this.#closed = true;
    this.#cancelWait?.();
    this.#pace.close();
  }

  async #missing(revision: string): Promise<string[]> {
    const { files, layout, context } = this.#parts;
    const text = await readStateText(files, layout, revision);
    if (text === undefined) throw new StepError('state-not-found', []);
    const { state } = readState(text, context, layout.revision(revision).state);
    return this.#stillMissing([...new Set(state.objects.map(({ id }) => id))]);
  }

  async #stillMissing(ids: readonly string[]): Promise<string[]> {
    const found = await Promise.all(ids.map((id) => this.#parts.objects.has(id)));
    return ids.filter((_, index) => found[index] === false);
  }

  #each<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<unknown[]> {
    return inParallel(items, this.#parts.config.PH_UPDATER_TRANSFER_MAX_COUNT, work);
  }

  /**
   * Rounds until one is without failures. Rounds that nobody answered are not counted: a device may be offline for days. A line that cuts and still
   * brings something is not one that is dead: then the waits do not grow.
   */
  async #untilDone(
    rounds: Rounds,
    message: RoundMessage,
    round: () => Promise<unknown[]>,
    bytes: () => number = () => 0,
  ): Promise<void> {
    for (let silent = 0; ; ) {
      await rounds.note(message);
      const before = bytes();
      const failures = await round();
      if (failures.length === 0) return;
      for (const failure of failures) {
        if (failure instanceof StepError) throw failure;
        this.#parts.log('WARN', 'hub', failure instanceof Error ? failure.message : String(failure));
      }
      const answered = failures.some((failure) => !(failure instanceof HostError));
      silent = answered || bytes() > before ? 0 : silent + 1;
      if (answered) rounds.count(failures);
      await this.#wait(Math.min(times.roundMs * 2 ** silent, times.longestMs));
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#closed) this.#cancelWait = this.#parts.clock.after(ms, resolve);
    });
  }

  async #find(id: string): Promise<Wanted> {
    const { connection } = this.#parts;
    const what = `ask for object ${id}`;
    const answer = parseObject((await connection.ask({ what, method: 'GET', path: `/objects/${id}` })).text);
    const { 'signed-geturl': url, size: text, sizeint } = answer;
    const size = typeof sizeint === 'number' ? sizeint : Number(text);
    if (typeof url !== 'string' || !Number.isSafeInteger(size) || size < 0)
      throw new Error(`cannot ${what}: the answer has no size or no address`);
    return { id, size, url };
  }

  async #checkSpace(wanted: readonly Wanted[]): Promise<void> {
    const { space, collect } = this.#parts;
    const parts = await Promise.all(wanted.map(({ id }) => this.#sizeOfPart(id)));
    const needed = wanted.reduce((sum, { size }, index) => sum + Math.max(0, size - (parts[index] ?? 0)), 0);
    if (needed > (await space()).realFree) await collect();
    const available = (await space()).realFree;
    if (needed <= available) return;
    const message = `cannot download the revision: it needs ${needed} bytes, ${available} are free`;
    throw new StepError('space-short', [{ code: 'space-short', message }], undefined, [needed, available]);
  }

  async #fetch(id: string, wanted: Map<string, Wanted>, tally: Tally): Promise<void> {
    const { client, connection, objects, config } = this.#parts;
    const known = wanted.get(id);
    if (known === undefined) return;
    const path = await this.#partOf(id);
    let before = await this.#sizeOfPart(id);
    const admit = async (total: number) => {
      tally.has(id, total);
      if (total > known.size) return false;
      await this.#pace.spend(total > before ? total - before : total);
      before = total;
      return true;
    };
    const { url } = known;
    const transport = connection.transport();
    // A connection that is kept waiting is silent, and not broken.
    const idleTimeout = transport.idleTimeout + this.#pace.longestMs(config.PH_UPDATER_TRANSFER_MAX_COUNT);
    const got = await client.download({ ...transport, idleTimeout, url, headers: {}, path, mode: fileMode, admit });
    if (!got.complete) {
      // The address may have expired: the next round asks for a new one.
      wanted.set(id, await this.#find(id));
      throw new HubError(`download object ${id}`, got.status, '');
    }
    const stored = await objects.put(id, async (temporary) => {
      await this.#parts.files.rename(path, temporary);
      return got;
    });
    if (!stored.ok) throw new Error(`cannot download object ${id}: ${stored.code}`);
  }

  get #directory(): string {
    return `${this.#parts.layout.cache}/downloads`;
  }

  async #partOf(id: string): Promise<string> {
    await makeTree(this.#parts.files, this.#directory);
    return `${this.#directory}/${id}`;
  }

  async #sizeOfPart(id: string): Promise<number> {
    return (await this.#parts.files.status(`${this.#directory}/${id}`))?.size ?? 0;
  }

  /** Beginnings of objects that nobody waits for any more only take space. */
  async #forgetPartsBut(ids: readonly string[]): Promise<void> {
    const { files } = this.#parts;
    if ((await files.status(this.#directory)) === undefined) return;
    for (const { name } of await files.list(this.#directory))
      if (!ids.includes(name) && isObjectId(name))
        await unlessCode('ENOENT', files.unlink(`${this.#directory}/${name}`));
  }
}

type RoundMessage = 'downloading-metadata' | 'downloading-artifacts';

/** Counts rounds and says where the download stands. */
class Rounds {
  readonly #request: DownloadRequest;
  readonly #limit: number;
  #retries: number;

  constructor(request: DownloadRequest, limit: number) {
    this.#request = request;
    this.#limit = limit;
    this.#retries = request.retries;
  }

  progress(message: RoundMessage): Progress {
    const status = message === 'downloading-metadata' ? 'QUEUED' : 'DOWNLOADING';
    return { status, message: progressMessage(message, this.#retries, this.#limit), retries: this.#retries };
  }

  note(message: RoundMessage): Promise<void> {
    return this.#request.note(this.progress(message));
  }

  /** @throws StepError `download-retries` when there were too many */
  count(failures: readonly unknown[]): void {
    this.#retries += 1;
    if (this.#retries <= this.#limit) return;
    const reasons = failures.map((failure) => ({
      code: 'download-failed',
      message: failure instanceof Error ? failure.message : String(failure),
    }));
    throw new StepError('download-retries', reasons);
  }
}

/** Bytes of all objects, reported now and then. */
class Tally {
  readonly #clock: Clock;
  readonly #wanted: ReadonlyMap<string, Wanted>;
  readonly #request: DownloadRequest;
  readonly #progress: () => Progress;
  readonly #have = new Map<string, number>();
  readonly #start: number;
  #told: number;

  constructor(clock: Clock, wanted: ReadonlyMap<string, Wanted>, request: DownloadRequest, progress: () => Progress) {
    this.#clock = clock;
    this.#wanted = wanted;
    this.#request = request;
    this.#progress = progress;
    this.#start = Math.floor(clock.wall() / 1000);
    this.#told = clock.monotonic();
  }

  /** Bytes that are there of all objects. */
  get bytes(): number {
    return [...this.#have.values()].reduce((total, one) => total + one, 0);
  }

  has(id: string, bytes: number): void {
    this.#have.set(id, bytes);
    const now = this.#clock.monotonic();
    if (now - this.#told < times.reportMs) return;
    this.#told = now;
    const downloads: Downloads = {
      totalSize: [...this.#wanted.values()].reduce((total, { size }) => total + size, 0),
      totalDownloaded: this.bytes,
      startTime: this.#start,
      currentTime: Math.floor(this.#clock.wall() / 1000),
    };
    void this.#request.note(this.#progress(), downloads).catch(() => undefined);
  }
}
