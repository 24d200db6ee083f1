import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { store } from '../../../apps/hub/src/accounts/service.ts';
import { readConfig } from '../../../apps/hub/src/config/read.ts';
import { type RunningHub, startHub } from '../../../apps/hub/src/server.ts';
import {
  type Backend,
  postgresBackend,
  postgresMissing,
  sqliteBackend,
} from '../../../apps/hub/src/testing/backends.ts';

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** parsed JSON, or undefined; loosely typed on purpose: the tests look at what is on the wire */
  json: Record<string, never> & { [index: number]: Record<string, never>; length: number };
}

export interface Ask {
  token?: string | undefined;
  body?: unknown;
  raw?: string | Uint8Array;
  headers?: Record<string, string>;
}

/** A hub of its own, with quick ways to fill it. */
export class World {
  readonly running: RunningHub;
  readonly folder: string;
  /** milliseconds that the hub's clock is ahead of the real one */
  readonly time: { ahead: number };

  private constructor(running: RunningHub, folder: string, time: { ahead: number }) {
    this.running = running;
    this.folder = folder;
    this.time = time;
  }

  static async start(
    settings: Record<string, string>,
    folder = mkdtempSync(join(tmpdir(), 'hub-test-')),
  ): Promise<World> {
    const quiet = { 'log-level': 'silent', 'rate-per-caller': '0', 'rate-per-address': '0', port: '0', data: folder };
    const time = { ahead: 0 };
    const config = readConfig({ flags: { ...quiet, 'gc-interval': 'PT0S', ...settings }, env: {} });
    const options = {
      clock: () => Date.now() + time.ahead,
      // Nobody attacks these passwords, and nobody else has to be told that the hub stops.
      passwordCost: { memory: 64, passes: 1 },
      drain: 0,
    };
    return new World(await startHub(config, options), folder, time);
  }

  get url(): string {
    return this.running.url;
  }
  get hub() {
    return this.running.hub;
  }

  async stop(): Promise<void> {
    await this.running.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Makes a request. @param target path, or a whole address of this hub */
  async ask(method: string, target: string, { token, body, raw, headers = {} }: Ask = {}): Promise<Reply> {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(target.startsWith('http') ? target : this.url + target, {
      method,
      redirect: 'manual',
      headers: {
        'user-agent': 'test',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(content === undefined ? {} : { body: content }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  }

  /** As {@link ask}, and it must succeed. */
  async get(path: string, token: string): Promise<Reply['json']> {
    return this.must('GET', path, { token });
  }
  async must(method: string, path: string, ask: Ask = {}): Promise<Reply['json']> {
    const reply = await this.ask(method, path, ask);
    if (reply.status !== 200) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.json;
  }

  async login(username: string, password: string, scope = ''): Promise<string> {
    return (await this.must('POST', '/auth/login', { body: { username, password, scope } })).token as unknown as string;
  }

  /** An account with its token. */
  async person(nick: string, role = 'user'): Promise<{ prn: string; nick: string; token: string }> {
    const { prn } = await store(this.hub, {
      nick,
      email: `${nick}@example.org`,
      password: 'password',
      role,
      confirmed: true,
    });
    return { prn, nick, token: await this.login(nick, 'password') };
  }

  /** A device of somebody, claimed and logged in, without a trail. */
  async device(owner: {
    token: string;
  }): Promise<{ id: string; prn: string; token: string; secret: string; nick: string }> {
    const made = (await this.must('POST', '/devices/')) as unknown as {
      id: string;
      prn: string;
      secret: string;
      challenge: string;
    };
    const claimed = await this.must('PUT', `/devices/${made.id}?challenge=${made.challenge}`, { token: owner.token });
    return { ...made, nick: claimed.nick as unknown as string, token: await this.login(made.prn, made.secret) };
  }

  /** Uploads content as an object of the caller; returns its hash. */
  async upload(token: string, content: string | Uint8Array, name = 'object'): Promise<string> {
    const sha = shaOf(content);
    const size = String(Buffer.byteLength(content));
    const reply = await this.ask('POST', '/objects/', { token, body: { objectname: name, size, sha256sum: sha } });
    if (reply.status === 409) return sha;
    const put = await this.ask('PUT', reply.json['signed-puturl'] as unknown as string, { raw: content });
    if (put.status !== 200) throw new Error(`upload: ${put.status} ${put.text}`);
    return sha;
  }

  /** A device with a factory revision of one object. */
  async installed(owner: { token: string }, content = `factory of ${Math.random()}`) {
    const device = await this.device(owner);
    const sha = await this.upload(device.token, content, 'bsp/kernel');
    const state = { '#spec': 'pantavisor-service-system@1', 'bsp/kernel': sha, 'bsp/run.json': { a: 1.5 } };
    await this.must('POST', '/trails/', { token: device.token, body: state });
    return { ...device, state, sha };
  }
}

export const shaOf = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
/** The question of a real device, byte for byte (hub-client §1.4). */
export const devicePoll =
  'progress.status=%7B%22$in%22:%5B%22NEW%22,%22DOWNLOADING%22,%22INPROGRESS%22,%22TESTING%22,%22QUEUED%22%5D%7D';

function parsed(text: string): Reply['json'] {
  try {
    return JSON.parse(text) as Reply['json'];
  } catch {
    return undefined as unknown as Reply['json'];
  }
}

/** What a suite gets: settings of empty hubs, and a way to have things closed before their backend is. */
export interface Ground {
  fresh(): Promise<Record<string, string>>;
  atEnd(close: () => Promise<void>): void;
}

/** Runs a suite on SQLite with a folder and on PostgreSQL with S3. */
export function onEveryBackend(title: string, suite: (ground: Ground) => void): void {
  const makers: [string, () => Promise<Backend>, string | undefined][] = [
    ['sqlite and folder', async () => sqliteBackend, undefined],
    ['postgres and s3', postgresBackend, postgresMissing],
  ];
  for (const [name, make, missing] of makers)
    describe(`${title} (${name})`, { skip: missing ?? false, timeout: 120_000 }, () => {
      let backend: Backend;
      const closers: (() => Promise<void>)[] = [];
      before(async () => {
        backend = await make();
      });
      after(async () => {
        for (const close of closers.toReversed()) await close();
        await backend.close();
      });
      suite({ fresh: () => backend.fresh(), atEnd: (close) => closers.push(close) });
    });
}

/** A world for a whole suite. */
export function sharedWorld(
  { fresh, atEnd }: Ground,
  settings: Record<string, string> = {},
): { readonly world: World } {
  let world: World;
  before(async () => {
    world = await World.start({ ...(await fresh()), ...settings });
    atEnd(() => world.stop());
  });
  return {
    get world() {
      return world;
    },
  };
}
