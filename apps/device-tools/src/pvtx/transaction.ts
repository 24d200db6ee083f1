/**
 * A transaction: a state under construction in a folder, from `begin` to `commit`, `deploy` or `abort` (pvtx.md §1, §2). Every file is written durably
 * and replaced as a whole; the status is written last, so that a cut of power leaves the step before or after.
 */
import { ExchangeError, type ExchangeRequest, errorText, exchangeOver, joined } from '@pantavisor/ctrl-api/portable';
import type { ToolHost } from '../host/ports.ts';
import { findSocket } from '../pvcontrol/session.ts';
import { type Exit, PvtxFailure, reasonOf } from './failure.ts';
import { addState, removePart } from './merge.ts';
import { readPackage, storeObject } from './package.ts';
import { readState, writeState } from './state-text.ts';
import { decodeStatus, encodeStatus, type Status } from './status.ts';

/** Milliseconds without a byte; a slow flash may sync an object for long. */
const idle = 600_000;
const pauseBetween = 2000;

/** What a tool does in a moment when the device is only starting. */
export interface Patience {
  /** How often it tries to reach the device, two seconds apart. */
  attempts: number;
}

export class Transaction {
  readonly host: ToolHost;
  readonly folder: string;
  readonly #attempts: number;

  /** @param folder of the files of the transaction; made by `begin` */
  constructor(host: ToolHost, folder: string, { attempts }: Patience = { attempts: 5 }) {
    this.host = host;
    this.folder = folder;
    this.#attempts = attempts;
  }

  /** What the folder says; undefined when it says nothing. */
  async status(): Promise<Status | undefined> {
    const path = `${this.folder}/.status`;
    if (!this.host.files.exists(path)) return undefined;
    const pieces: Uint8Array[] = [];
    for await (const piece of (await this.host.files.open(path)).pieces) pieces.push(piece);
    return decodeStatus(joined(pieces), this.host.transport.decode);
  }

  /**
   * @param base `current`, `empty`, a file with a state, or a folder with one in `json` or `.pvr/json`
   * @param objects folder for objects, which makes the transaction a local one
   */
  async begin(base = 'current', objects = ''): Promise<void> {
    const before = await this.status();
    if (before?.phase === 'active')
      throw new PvtxFailure("a transaction is going on; 'pvtx commit' or 'pvtx abort' ends it");
    const state = await this.#base(base);
    try {
      readState(state);
    } catch (error) {
      throw unusable(base, error);
    }
    if (objects !== '') await this.host.files.makeDirectory(objects);
    const isQueued = before?.phase === 'set';
    if (!isQueued) await this.abort();
    await this.host.files.makeDirectory(this.folder);
    await this.host.files.replace(`${this.folder}/current.json`, state);
    const kept = isQueued ? { ...before, objects: objects || before.objects } : { objects };
    await this.setStatus({ ...kept, phase: 'active' });
  }

  /** Adds a package or a state. Nothing changes unless all of it was read, though its objects stay where they were stored. */
  async add(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { objects } = await this.active('addInactive');
    const added = await readPackage(this.host, pieces, (sha256, size, content) =>
      objects === ''
        ? this.#ask({ method: 'PUT', target: `/objects/${sha256}`, body: { size, pieces: content } }).then(() => {})
        : storeObject(this.host, objects, sha256, content),
    );
    await this.edit((state) => addState(state, added, this.host.transport.decode));
  }

  async remove(part = ''): Promise<void> {
    await this.active('removeInactive');
    if (part === '') throw new PvtxFailure('name the part to remove, e.g. web or _sigs/web.json', 'argument');
    await this.edit((state) => removePart(state, part, this.host.transport.decode));
  }

  /** Replaces the state by what work makes of it. Nothing changes when that fails. */
  async edit(work: (state: string) => string | Promise<string>): Promise<void> {
    const state = await this.#text();
    let changed: string;
    try {
      changed = await work(state);
    } catch (error) {
      throw unusable('the state', error);
    }
    await this.host.files.replace(`${this.folder}/current.json`, changed);
  }

  /** The text of the state. */
  async show(): Promise<string> {
    await this.active('inactive');
    return this.#text();
  }

  /** Hands the state to the device as a local revision; its name. */
  async commit(name?: string): Promise<string> {
    const status = await this.active('inactive');
    if (status.objects !== '')
      throw new PvtxFailure(
        `this transaction is local, in ${status.objects}: 'pvtx deploy' writes it to a folder`,
        'kind',
      );
    if (name !== undefined && !/^locals\/[^/]+$/.test(name))
      throw new PvtxFailure(`cannot use the name ${name}: it has to be locals/ and a name`);
    const state = await this.#text();
    const revision = name ?? this.#name(state);
    await this.#ask({
      method: 'PUT',
      target: `/steps/${revision}`,
      headers: { 'Content-Type': 'application/json' },
      body: state,
    });
    await this.setStatus({ ...status, phase: 'committed' });
    return revision;
  }

  async abort(): Promise<void> {
    await this.host.files.remove(`${this.folder}/.status`);
    await this.host.files.remove(`${this.folder}/current.json`);
  }

  /** @throws PvtxFailure with this exit code unless a transaction is going on */
  async active(exit: Exit): Promise<Status> {
    const status = await this.status();
    if (status?.phase === 'active') return status;
    throw new PvtxFailure("no transaction is going on; 'pvtx begin' starts one", exit);
  }

  async setStatus(status: Status): Promise<void> {
    await this.host.files.makeDirectory(this.folder);
    await this.host.files.replace(`${this.folder}/.status`, encodeStatus(status, this.host.transport.encode));
  }

  async #base(base: string): Promise<string> {
    if (base.startsWith('current')) return (await this.#ask({ method: 'GET', target: '/steps/current' })).text();
    if (base === 'empty') return writeState([]);
    const tried = [`${base}/json`, `${base}/.pvr/json`, base];
    const path = tried.find((each) => this.host.files.exists(each));
    if (path !== undefined && path !== base) return this.#read(path);
    if (path === undefined)
      throw new PvtxFailure(`cannot begin with ${base}: it is neither current, empty, a file nor a folder`);
    return this.#read(base);
  }

  async #read(path: string): Promise<string> {
    return this.host.files.readText(path).catch((error: unknown) => {
      throw new PvtxFailure(`cannot read ${path}: ${reasonOf(error)}`);
    });
  }

  #text(): Promise<string> {
    return this.#read(`${this.folder}/current.json`);
  }

  #name(state: string): string {
    const hash = this.host.sha256();
    hash.update(this.host.transport.encode(state));
    const seconds = Math.floor(Date.now() / 1000);
    return `locals/pvtx-${seconds}-${hash.hex().slice(0, 8)}-${Math.floor(Math.random() * 1000)}`;
  }

  /** One request to the device. @throws PvtxFailure unless it says yes */
  async #ask(request: ExchangeRequest) {
    const { host } = this;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await exchangeOver(host.transport, findSocket(undefined, host), { timeout: idle, ...request });
        if (response.status >= 200 && response.status < 300) return response;
        const text = await response.text();
        const { status } = response;
        throw new PvtxFailure(
          `the device refused ${request.method} ${request.target}: ${errorText(text) ?? `status ${status}`}`,
          'failed',
          status,
          response.headers['retry-after'],
        );
      } catch (error) {
        if (!(error instanceof ExchangeError)) throw error;
        const isAway = error.code === 'socket-missing' || error.code === 'refused';
        if (!isAway || attempt >= this.#attempts)
          throw new PvtxFailure(isAway ? `${error.message}; is pantavisor running?` : error.message);
        await host.pause(pauseBetween);
      }
    }
  }
}

const unusable = (what: string, error: unknown): PvtxFailure =>
  error instanceof PvtxFailure ? error : new PvtxFailure(`cannot use ${what} as a state: ${reasonOf(error)}`);
