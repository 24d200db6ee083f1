import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { loadKeys } from './auth/keys.ts';
import { LoginGuard } from './auth/login-guard.ts';
import { Tokens } from './auth/tokens.ts';
import { FolderBlobs } from './blobs/folder.ts';
import type { BlobStore } from './blobs/port.ts';
import { S3Blobs } from './blobs/s3.ts';
import type { Config } from './config/options.ts';
import { migrate } from './db/migrate.ts';
import { openDatabase } from './db/open.ts';
import { Writer } from './db/writer.ts';
import { openDeviceAuthority } from './devices/authority.ts';
import { IdleAnswers } from './devices/idle-answers.ts';
import { Presence } from './devices/presence.ts';
import { EventBus } from './events/bus.ts';
import { PostgresRelay } from './events/postgres-relay.ts';
import type { Hub } from './hub.ts';
import { makeMailer } from './mail/mailer.ts';
import { IdSource } from './names/ids.ts';
import { type PasswordCost, PasswordHasher } from './names/secrets.ts';
import { Bandwidth } from './plans/bandwidth.ts';
import { Sessions } from './sessions/service.ts';

/** Members of log entries that never appear, wherever they stand. */
const redact = ['password', 'secret', 'token', 'authorization', '*.password', '*.secret', '*.token', '*.authorization'];

export const databaseUrl = (config: Config): string => config.database || `sqlite:${join(config.data, 'hub.db')}`;

function openBlobs(config: Config): BlobStore {
  if (config.blobs === 'local') return new FolderBlobs(config['blob-folder'] || join(config.data, 'blobs'));
  return new S3Blobs({
    endpoint: config['s3-endpoint'],
    bucket: config['s3-bucket'],
    region: config['s3-region'],
    accessKeyId: config['s3-access-key'],
    secretAccessKey: config['s3-secret-key'],
  });
}

export const makeLog = (config: Config): Logger =>
  pino({ level: config['log-level'], redact }, pino.destination({ fd: 2, sync: true }));

/**
 * Opens everything a hub works with: database (migrated), blobs, keys, caches. Nothing listens yet.
 * @returns the hub and how to close it
 */
export async function openHub(
  config: Config,
  {
    clock = Date.now,
    log = makeLog(config),
    passwordCost,
  }: { clock?: () => number; log?: Logger; passwordCost?: PasswordCost } = {},
): Promise<{ hub: Hub; close(): Promise<void> }> {
  const deviceAuthority = openDeviceAuthority(config);
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const database = openDatabase(databaseUrl(config), config['database-pool']);
  const { db } = database;
  const applied = await migrate(db, database.dialect);
  if (applied.length > 0) log.info({ applied }, 'database migrated');
  const bus = new EventBus();
  if (database.pool !== undefined) {
    const relay = new PostgresRelay(databaseUrl(config), database.pool, bus);
    await relay.start();
    bus.setRelay(relay);
  }
  const writer = new Writer(db);
  const keys = await loadKeys(db, config);
  const sessions = new Sessions();
  const tokens = new Tokens({ keys, db, config, clock });
  bus.listen((event) => {
    if (event.kind !== 'revoked' && event.kind !== 'gap') return;
    const prn = event.kind === 'revoked' ? event.prn : undefined;
    tokens.forget(prn);
    sessions.forget(prn);
  });
  const hub: Hub = {
    config,
    database,
    db,
    writer,
    blobs: openBlobs(config),
    bus,
    keys,
    tokens,
    sessions,
    passwords: new PasswordHasher(Math.max(1, Math.min(3, availableParallelism() - 1)), 200, passwordCost),
    deviceAuthority,
    logins: new LoginGuard(clock),
    mailer: makeMailer(config.mail, config['mail-from'], join(config.data, 'mail'), log),
    idle: new IdleAnswers(bus),
    presence: new Presence(writer, clock),
    bandwidth: new Bandwidth(db, writer, clock),
    ids: new IdSource(),
    log,
    clock,
    ready: true,
  };
  const close = async () => {
    // A database that is gone must not keep the rest from being closed.
    for (const flush of [() => hub.presence.flush(), () => hub.bandwidth.flush()])
      await flush().catch((error: unknown) => log.error({ err: error }, 'cannot write what was in memory'));
    await bus.close();
    await database.close();
  };
  return { hub, close };
}
