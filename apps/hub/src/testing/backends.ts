import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';

/** Where a hub under test keeps its things: settings for it, and how to clean up. */
export interface Backend {
  name: 'sqlite and folder' | 'postgres and s3';
  /** settings of a fresh, empty hub */
  fresh(): Promise<Record<string, string>>;
  close(): Promise<void>;
}

const postgresFolder = '/usr/lib/postgresql/15/bin';

/** Why PostgreSQL cannot be tested here; undefined when it can. */
export const postgresMissing = existsSync(postgresFolder) ? undefined : 'PostgreSQL 15 is not installed';

export const sqliteBackend: Backend = {
  name: 'sqlite and folder',
  fresh: async () => ({}),
  close: async () => undefined,
};

/** Starts a throw-away PostgreSQL cluster as the user postgres, and an S3 server in this process. */
export async function postgresBackend(): Promise<Backend> {
  const folder = mkdtempSync(join(tmpdir(), 'hub-postgres-'));
  spawnSync('chown', ['postgres', folder]);
  const asPostgres = (program: string, argv: string[]) => [
    '-u',
    'postgres',
    '--',
    join(postgresFolder, program),
    ...argv,
  ];
  const data = join(folder, 'data');
  const made = spawnSync('runuser', asPostgres('initdb', ['-D', data, '-A', 'trust', '--no-sync']), {
    encoding: 'utf8',
    cwd: '/',
  });
  if (made.status !== 0) throw new Error(`cannot make a PostgreSQL cluster: ${made.stderr}`);
  const server = spawn(
    'runuser',
    asPostgres('postgres', [
      '-D',
      data,
      '-k',
      folder,
      '-c',
      'listen_addresses=',
      '-c',
      'fsync=off',
      '-c',
      'max_connections=60',
    ]),
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' },
  );
  await readyForConnections(server);
  const objects = mkdtempSync(join(tmpdir(), 'hub-s3-'));
  const s3 = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: objects, configureBuckets: [] });
  const { port } = await s3.run();
  let count = 0;
  return {
    name: 'postgres and s3',
    async fresh() {
      count += 1;
      const name = `hub${count}`;
      const created = spawnSync('runuser', asPostgres('createdb', ['-h', folder, name]), {
        encoding: 'utf8',
        cwd: '/',
      });
      if (created.status !== 0) throw new Error(`cannot make a database: ${created.stderr}`);
      await fetch(`http://127.0.0.1:${port}/bucket${count}`, { method: 'PUT' });
      return {
        database: `postgres://postgres@localhost/${name}?host=${encodeURIComponent(folder)}`,
        blobs: 's3',
        's3-endpoint': `http://127.0.0.1:${port}`,
        's3-bucket': `bucket${count}`,
        's3-access-key': 'S3RVER',
        's3-secret-key': 'S3RVER',
      };
    },
    async close() {
      await s3.close();
      const ended = once(server, 'exit');
      spawnSync('runuser', asPostgres('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']), { cwd: '/' });
      await ended;
      rmSync(folder, { recursive: true, force: true });
      rmSync(objects, { recursive: true, force: true });
    },
  };
}

async function readyForConnections(server: ChildProcess): Promise<void> {
  let said = '';
  server.stderr?.setEncoding('utf8');
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on('data', (text: string) => {
      said += text;
      if (said.includes('ready to accept connections')) resolve();
    });
    server.once('exit', () => reject(new Error(`PostgreSQL ended: ${said}`)));
  });
}

/** Sends raw bytes to a port and returns everything that comes back until the other side closes. */
export async function rawExchange(port: number, text: string): Promise<string> {
  const socket = createConnection(port, '127.0.0.1');
  socket.write(text);
  let answer = '';
  socket.setEncoding('utf8');
  socket.on('data', (piece: string) => {
    answer += piece;
  });
  await once(socket, 'close');
  return answer;
}
