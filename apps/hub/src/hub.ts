import type { Logger } from 'pino';
import type { Keys } from './auth/keys.ts';
import type { LoginGuard } from './auth/login-guard.ts';
import type { Tokens } from './auth/tokens.ts';
import type { BlobStore } from './blobs/port.ts';
import type { Config } from './config/options.ts';
import type { OpenDatabase } from './db/open.ts';
import type { Db } from './db/schema.ts';
import type { Writer } from './db/writer.ts';
import type { DeviceAuthority } from './devices/authority.ts';
import type { IdleAnswers } from './devices/idle-answers.ts';
import type { Presence } from './devices/presence.ts';
import type { EventBus } from './events/bus.ts';
import type { Mailer } from './mail/mailer.ts';
import type { IdSource } from './names/ids.ts';
import type { PasswordHasher } from './names/secrets.ts';
import type { Bandwidth } from './plans/bandwidth.ts';
import type { Sessions } from './sessions/service.ts';

/** What the rooms of the hub share; made once in server.ts and handed to every function that needs it. */
export interface Hub {
  config: Config;
  database: OpenDatabase;
  db: Db;
  writer: Writer;
  blobs: BlobStore;
  bus: EventBus;
  keys: Keys;
  tokens: Tokens;
  passwords: PasswordHasher;
  logins: LoginGuard;
  /** whose certificates of devices are believed; undefined = nobody's */
  deviceAuthority: DeviceAuthority | undefined;
  sessions: Sessions;
  mailer: Mailer;
  idle: IdleAnswers;
  presence: Presence;
  bandwidth: Bandwidth;
  ids: IdSource;
  log: Logger;
  /** milliseconds since 1970 */
  clock(): number;
  /** false while the hub stops */
  ready: boolean;
}
