/** A real hub as a child process of a test, and somebody who has an account on it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { readHubEvents } from '@pantavisor/hub-api';
import { type HubProcess, type ProcessPlace, request, startProcess } from '../hub/support/process.ts';
import { atEnd, temporaryDirectory } from './cleanup.ts';
import type { RevisionFiles } from './revision.ts';

/** One report of a device about a step, as the hub keeps them. */
export interface Report {
  status: string;
  'status-msg': string;
}

/** Where a hub runs that listens on all addresses there. */
export interface HubPlace extends ProcessPlace {
  /** How the test reaches it. */
  urlOf(port: string): string;
}

export class HubAccount {
  readonly data: string;
  hub: HubProcess;
  #token = '';
  readonly #settings: Record<string, string>;
  readonly #place: HubPlace | undefined;

  private constructor(data: string, hub: HubProcess, settings: Record<string, string>, place: HubPlace | undefined) {
    this.data = data;
    this.hub = hub;
    this.#settings = settings;
    this.#place = place;
  }

  /** Starts a hub with a demo account and logs in. */
  static async open(t: TestContext, settings: Record<string, string> = {}, place?: HubPlace): Promise<HubAccount> {
    const data = temporaryDirectory(t);
    const account = new HubAccount(data, await HubAccount.#start(data, '0', settings, place), settings, place);
    atEnd(t, async () => void (await account.hub.end('SIGTERM')));
    await account.login();
    return account;
  }

  static async #start(
    data: string,
    port: string,
    settings: Record<string, string>,
    place: HubPlace | undefined,
  ): Promise<HubProcess> {
    const usual = { data, port, 'demo-accounts': 'true', 'stop-seconds': '1', ...(place ? { host: '::' } : {}) };
    const hub = await startProcess({ ...usual, ...settings }, place);
    return place === undefined ? hub : { ...hub, url: place.urlOf(new URL(hub.url).port) };
  }

  /** Gets a new token. */
  async login(): Promise<void> {
    const body = { username: 'user1', password: 'user1' };
    const { json } = await request(this.hub.url, 'POST', '/auth/login', undefined, body);
    this.#token = json.token ?? '';
  }

  get port(): string {
    return new URL(this.hub.url).port;
  }

  /** Port of HTTPS, of a hub that has one. */
  get tlsPort(): string {
    return new URL(/^https url=(\S+)/m.exec(this.hub.output())?.[1] ?? '').port;
  }

  /** Kills the hub, does something, and starts it again on the same port and data. */
  async without(act: () => Promise<void>): Promise<void> {
    const { port } = this;
    await this.hub.end('SIGKILL');
    await act();
    this.hub = await HubAccount.#start(this.data, port, this.#settings, this.#place);
  }

  /** A request of the account. */
  async ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const { status, json } = await request(this.hub.url, method, path, this.#token, body);
    assert.equal(status, 200, `${method} ${path}: ${JSON.stringify(json)}`);
    return json as Answer;
  }

  /** A token with which devices join this account. */
  async joinToken(): Promise<string> {
    return (await this.ask<{ token: string }>('POST', '/devices/tokens', {})).token;
  }

  /** The only device of the account. */
  async device(): Promise<{ id: string; 'device-meta': Record<string, unknown> }> {
    const [device] = await this.ask<{ id: string; 'device-meta': Record<string, unknown> }[]>('GET', '/devices/');
    assert.ok(device, 'a device has joined');
    return device;
  }

  /** Uploads objects and posts the state as the next step of the device. @returns its revision */
  async post(id: string, files: RevisionFiles, spoil?: (objectId: string) => Buffer | undefined): Promise<string> {
    for (const [name, objectId] of Object.entries(files.ids)) {
      const content = spoil?.(objectId) ?? (await readFile(`${files.objects}/${objectId}`));
      const body = { objectname: name, size: String(content.length), sha256sum: objectId };
      const announced = await request(this.hub.url, 'POST', '/objects/', this.#token, body);
      if (announced.status === 409) continue;
      assert.equal(announced.status, 200, JSON.stringify(announced.json));
      const put = await fetch(announced.json['signed-puturl'] ?? '', { method: 'PUT', body: new Uint8Array(content) });
      assert.equal(put.status, 200, await put.text());
    }
    const state: unknown = JSON.parse(await readFile(files.state, 'utf8'));
    const step = await this.ask<{ rev: number }>('POST', `/trails/${id}/steps`, {
      rev: -1,
      'commit-msg': 'next',
      state,
    });
    return String(step.rev);
  }

  /** What was reported about a step; nothing about one that is not posted yet. */
  async reports(id: string, revision: string): Promise<Report[]> {
    const path = `/trails/${id}/steps/${revision}/reports`;
    const { status, json } = await request(this.hub.url, 'GET', path, this.#token);
    if (status === 404) return [];
    assert.equal(status, 200, `${path}: ${JSON.stringify(json)}`);
    return json as unknown as Report[];
  }

  /** Waits until the hub knows the end of a step, as it tells itself. */
  ended(id: string, revision: string): Promise<Report> {
    return this.reported(id, revision, ['DONE', 'UPDATED', 'ERROR', 'WONTGO']);
  }

  /** Waits until the last report about a step has one of these statuses. */
  async reported(id: string, revision: string, statuses: readonly string[]): Promise<Report> {
    const stop = new AbortController();
    try {
      const events = await this.#listen(stop.signal);
      for (;;) {
        const last = (await this.reports(id, revision)).at(-1);
        if (last !== undefined && statuses.includes(last.status)) return last;
        await events.next();
      }
    } finally {
      stop.abort();
    }
  }

  /** Waits until the hub has an entry of the device's own log that fits. @returns all its lines of that revision, in order */
  async logged(revision: string, pattern: RegExp): Promise<string[]> {
    const stop = new AbortController();
    try {
      const events = await this.#listen(stop.signal, 'log');
      for (;;) {
        const query = `plat=pantavisor&rev=${revision}&sort=time-created&page=10000`;
        const { entries = [] } = await this.ask<{ entries?: { msg: string }[] }>('GET', `/logs/?${query}`);
        const lines = entries.map(({ msg }) => msg);
        if (lines.some((line) => pattern.test(line))) return lines;
        await events.next();
      }
    } finally {
      stop.abort();
    }
  }

  async #listen(signal: AbortSignal, topics = 'step'): Promise<AsyncGenerator> {
    const headers = { 'user-agent': 'test', authorization: `Bearer ${this.#token}` };
    return readHubEvents(await fetch(`${this.hub.url}/events/?topics=${topics}`, { headers, signal }));
  }
}
