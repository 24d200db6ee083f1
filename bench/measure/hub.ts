/** A hub process on one core for benchmarks, and the bare Fastify it is compared with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../apps/hub/src/db/open.ts';
import { digestSecret } from '../../apps/hub/src/names/secrets.ts';

const main = fileURLToPath(new URL('../../apps/hub/src/main.ts', import.meta.url));
const bare = fileURLToPath(new URL('../../apps/hub/src/testing/bare-fastify.ts', import.meta.url));

export interface Server {
  port: number;
  url: string;
  invitation: string;
  /** resident memory in MiB */
  memory(): number;
  stop(): Promise<void>;
}

/** Starts a program on the first core and waits for its `ready url=` line. */
async function start(argv: string[]): Promise<Server> {
  const child: ChildProcess = spawn('taskset', ['-c', '0', process.execPath, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let invitation = '';
  const url = await new Promise<string>((resolve, reject) => {
    if (child.stdout === null) throw new Error('cannot read what the server prints');
    createInterface(child.stdout).on('line', (line) => {
      invitation ||= /^admin invitation: (\S+)/.exec(line)?.[1] ?? '';
      const ready = /^ready url=(\S+)/.exec(line)?.[1];
      if (ready !== undefined) resolve(ready);
    });
    child.once('exit', () => reject(new Error('the server ended before it was ready')));
  });
  return {
    url,
    port: Number(new URL(url).port),
    invitation,
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export const startBare = (): Promise<Server> => start([bare]);

export interface BenchHub extends Server {
  data: string;
  owner: string;
  device: { id: string; token: string; prn: string; secret: string };
  call(method: string, path: string, token?: string, body?: unknown): Promise<Record<string, string>>;
}

/**
 * Starts a hub without limits, with an owner and a device whose trail has a factory revision.
 * @param more devices to put into the database before the start
 */
export async function startBenchHub(more = 0, settings: Record<string, string> = {}): Promise<BenchHub> {
  const data = mkdtempSync(join(tmpdir(), 'bench-hub-'));
  const limits = {
    'rate-per-caller': '0',
    'rate-per-address': '0',
    'max-active': '0',
    'default-plan': 'UNLIMITED',
    'log-level': 'warn',
  };
  const argv = (all: Record<string, string>) => Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const all = [main, ...argv({ data, port: '0', ...limits, ...settings })];
  if (more > 0) {
    await (await start(all)).stop();
    await addDevices(join(data, 'hub.db'), more);
  }
  const server = await start(all);
  const call = async (method: string, path: string, token?: string, body?: unknown) => {
    const response = await fetch(path.startsWith('http') ? path : server.url + path, {
      method,
      headers: {
        'user-agent': 'bench',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, string>;
  };
  const login = async (username = '', password = '') =>
    (await call('POST', '/auth/login', undefined, { username, password })).token ?? '';
  await call('POST', '/auth/accounts', undefined, {
    email: 'a@example.org',
    nick: 'owner',
    password: 'password',
    invitation: server.invitation,
  });
  const owner = await login('owner', 'password');
  const made = await call('POST', '/devices/');
  await call('PUT', `/devices/${made.id}?challenge=${made.challenge}`, owner);
  const token = await login(made.prn, made.secret);
  await call('POST', '/trails/', token, { '#spec': 'pantavisor-service-system@1' });
  return {
    ...server,
    data,
    owner,
    device: { id: made.id ?? '', token, prn: made.prn ?? '', secret: made.secret ?? '' },
    call,
    async stop() {
      await server.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Puts devices with a trail and a factory revision into the database, as registration would have. */
async function addDevices(file: string, count: number): Promise<void> {
  const { db, close } = openDatabase(`sqlite:${file}`);
  const now = Date.now();
  const progress =
    '{"downloads":{"objects":null,"total":{"current_time":0,"start_time":0,"total_downloaded":0,"total_size":0}},"log":"","progress":100,"status":"DONE","status-msg":""}';
  const chunk = 500;
  for (let from = 0; from < count; from += chunk) {
    const ids = Array.from({ length: Math.min(chunk, count - from) }, (_, index) =>
      (from + index).toString(16).padStart(24, '0'),
    );
    await db.transaction().execute(async (tx) => {
      const owner = 'prn:::accounts:/000000000000000000000001';
      const device = (id: string) => `prn:::devices:/${id}`;
      await tx
        .insertInto('devices')
        .values(
          ids.map((id) => ({
            id,
            prn: device(id),
            nick: `device_${id}`,
            owner,
            secret: digestSecret(id),
            challenge: null,
            is_public: 0,
            user_meta: '{"a":"b"}',
            device_meta: '{"pantavisor.version":"1"}',
            garbage_since: null,
            tokens_from: 0,
            seen: now,
            address: '',
            created: now,
            modified: now,
          })),
        )
        .execute();
      await tx
        .insertInto('trails')
        .values(
          ids.map((id) => ({
            id,
            owner,
            device: device(id),
            last_rev: 0,
            progress_rev: 0,
            last_insync: now,
            last_touched: now,
            garbage_since: null,
          })),
        )
        .execute();
      await tx
        .insertInto('steps')
        .values(
          ids.map((id) => ({
            id: `${id}-0`,
            trail_id: id,
            rev: 0,
            owner,
            device: device(id),
            commit_msg: '',
            state: '{}',
            state_sha: '',
            meta: '{}',
            progress,
            status: 'DONE',
            progress_time: now,
            step_time: now,
            used_objects: '[]',
            created: now,
            modified: now,
          })),
        )
        .execute();
    });
  }
  await close();
}
