/** The wire shapes of the hub (hub-api §2, §4-§13), members in the order in which they are written. */
import Type, { type Static } from 'typebox';

export const HexId = Type.String({ pattern: '^[0-9a-f]{24}$', description: '24 lower-case hex digits' });
export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, 64 lower-case hex digits' });
export const Time = Type.String({ description: 'RFC 3339; 0001-01-01T00:00:00Z means never' });
export const JsonMap = Type.Record(Type.String(), Type.Unknown());
export type JsonMap = Static<typeof JsonMap>;
export const Ok = Type.Object({ status: Type.String() });
export const Text = Type.String();
export const Anything = Type.Unknown();

const text = (description?: string) => Type.String(description === undefined ? {} : { description });
const optional = Type.Optional;

export const Failure = Type.Object({
  error: text('reference of this failure, REST-ERR-ID-<nanoseconds>'),
  msg: optional(text('what went wrong and what to do')),
  code: Type.Integer({ description: 'the HTTP status again' }),
  reason: text('stable code of the failure'),
  'request-id': text(),
});
export type Failure = Static<typeof Failure>;

export const Account = Type.Object({
  type: text(),
  email: text(),
  nick: text(),
  prn: text(),
  'time-created': Time,
  'time-modified': Time,
  redirect_uris: optional(Type.Array(text())),
});
export type Account = Static<typeof Account>;

export const Token = Type.Object({ token: text() });
export const GrantedToken = Type.Object({ token: text(), token_type: text(), scopes: optional(text()) });

export const Device = Type.Object({
  id: HexId,
  prn: text(),
  nick: text(),
  owner: text('prn of the owner, empty while unclaimed'),
  'owner-nick': optional(text()),
  secret: optional(text('only at registration and to the device itself')),
  'time-created': Time,
  'time-modified': Time,
  challenge: optional(text('words that prove possession of an unclaimed device')),
  public: Type.Boolean(),
  'user-meta': JsonMap,
  'device-meta': JsonMap,
  garbage: Type.Boolean(),
  mark_public_processed: Type.Boolean(),
});
export type Device = Static<typeof Device>;

export const JoinToken = Type.Object({
  id: HexId,
  prn: text(),
  nick: text(),
  owner: text(),
  token: optional(text('shown once')),
  'default-user-meta': JsonMap,
  disabled: Type.Boolean(),
  'time-created': Time,
  'time-modified': Time,
});
export type JoinToken = Static<typeof JoinToken>;

export const ObjectProgress = Type.Object({
  current_time: Type.Number(),
  object_id: optional(text()),
  object_name: optional(text()),
  start_time: Type.Number(),
  total_downloaded: Type.Number(),
  total_size: Type.Number(),
});
export const Progress = Type.Object({
  data: optional(Anything),
  downloads: Type.Object({
    objects: Type.Union([Type.Null(), Type.Array(ObjectProgress)]),
    total: ObjectProgress,
  }),
  log: text(),
  logs: optional(text()),
  progress: Type.Integer(),
  retries: optional(Type.Integer()),
  status: text(),
  'status-msg': text(),
});
export type Progress = Static<typeof Progress>;

export const Trail = Type.Object({
  device: text(),
  'factory-state': JsonMap,
  id: HexId,
  'last-insync': Time,
  'last-touched': Time,
  owner: text(),
  used_objects: Type.Array(text()),
});
export type Trail = Static<typeof Trail>;

export const Step = Type.Object({
  'commit-msg': text(),
  committer: text(),
  device: text(),
  garbage: Type.Boolean(),
  id: text('<trail>-<rev>'),
  mark_public_processed: Type.Boolean(),
  meta: JsonMap,
  owner: text(),
  progress: Progress,
  'progress-time': Time,
  rev: Type.Integer(),
  state: JsonMap,
  'state-sha': text(),
  'step-time': Time,
  'time-created': Time,
  'time-modified': Time,
  'trail-id': text(),
  used_objects: Type.Array(text('storage id')),
});
export type Step = Static<typeof Step>;

export const ProgressReport = Type.Object({
  progress: Type.Integer(),
  status: text(),
  'status-msg': text(),
  time: Time,
});
export type ProgressReport = Static<typeof ProgressReport>;

export const RemoteInfo = Type.Object({
  'json-get-url': text(),
  'json-key': text(),
  'objects-endpoint': text(),
  'post-fields': Type.Array(text()),
  'post-fields-opt': Type.Array(text()),
  'post-url': text(),
  'pvr-spec': text(),
  'step-get-url': text(),
});
export type RemoteInfo = Static<typeof RemoteInfo>;

export const Summary = Type.Object({
  device: text(),
  'device-nick': text(),
  deviceid: text(),
  'fleet-group': text(),
  'fleet-location': text(),
  'fleet-model': text(),
  'fleet-rev': text(),
  progress: Type.Integer(),
  'progress-revision': Type.Integer(),
  'progress-time': Time,
  public: Type.Boolean(),
  'real-ip': text(),
  revision: Type.Integer(),
  'state-sha': text(),
  status: text(),
  'status-msg': text(),
  'step-time': Time,
  timestamp: Time,
  'trail-touched-time': Time,
});
export type Summary = Static<typeof Summary>;

const objectMembers = {
  id: text(),
  'storage-id': text(),
  owner: text(),
  objectname: text(),
  sha256sum: text(),
  size: text('bytes in decimal digits'),
  sizeint: Type.Integer(),
  'mime-type': text(),
  'time-created': Time,
  'time-modified': Time,
};
export const ObjectRecord = Type.Object(objectMembers);
export type ObjectRecord = Static<typeof ObjectRecord>;
export const ObjectWithAccess = Type.Object({
  ...objectMembers,
  'signed-puturl': text(),
  'signed-geturl': text(),
  now: text('unix seconds'),
  'expire-time': text(),
});
export type ObjectWithAccess = Static<typeof ObjectWithAccess>;

export const LogEntry = Type.Object({
  id: text(),
  dev: text(),
  own: text(),
  'time-created': Time,
  tsec: optional(Type.Integer()),
  tnano: optional(Type.Integer()),
  rev: optional(text()),
  plat: optional(text()),
  src: optional(text()),
  lvl: optional(text()),
  msg: optional(text()),
});
export type LogEntry = Static<typeof LogEntry>;
export const LogPage = Type.Object({
  start: Type.Integer(),
  page: Type.Integer(),
  count: Type.Integer(),
  'next-cursor': optional(text()),
  entries: optional(Type.Array(LogEntry)),
});
export type LogPage = Static<typeof LogPage>;

export const AppScope = Type.Object({
  id: text(),
  service: text(),
  description: optional(text()),
  required: optional(Type.Boolean()),
});
export type AppScope = Static<typeof AppScope>;
export const App = Type.Object({
  id: text(),
  name: text(),
  logo: text(),
  type: text(),
  nick: text(),
  prn: text(),
  owner: text(),
  'owner-nick': optional(text()),
  secret: optional(text()),
  redirect_uris: optional(Type.Array(text())),
  scopes: optional(Type.Array(AppScope)),
  exposed_scopes: optional(Type.Array(AppScope)),
  ExposedScopesLength: Type.Integer(),
  'time-created': Time,
  'time-modified': Time,
  'deleted-at': optional(Time),
});
export type App = Static<typeof App>;

export const Profile = Type.Object({
  nick: text(),
  email: text(),
  fullName: text(),
  bio: text(),
  picture: text(),
  website: text(),
  location: text(),
  github: text(),
  gitlab: text(),
  company: text(),
  twitter: text(),
  meta: optional(JsonMap),
  'time-created': Time,
  'time-modified': Time,
});
export type Profile = Static<typeof Profile>;

export const AccessToken = Type.Object({
  'time-created': Time,
  'time-modified': Time,
  id: HexId,
  name: text(),
  type: text(),
  prn: text(),
  owner: text(),
  secret: optional(text('shown once')),
  scopes: Type.Array(text()),
  deleted: Type.Boolean(),
  'expire-at': Time,
});
export type AccessToken = Static<typeof AccessToken>;

const Quota = Type.Object({ Name: text(), Actual: Type.Number(), Max: Type.Number(), Unit: text() });
export const Dash = Type.Object({
  prn: text(),
  nick: text(),
  subscription: Type.Object({
    'plan-id': text(),
    billing: Type.Object({ Type: text(), AmountDue: Type.Number(), Currency: text(), VatRegion: text() }),
    'quota-stats': Type.Object({ DEVICES: Quota, OBJECTS: Quota, BANDWIDTH: Quota }),
  }),
  'top-devices': Type.Array(
    Type.Object({
      'device-id': text(),
      nick: text(),
      prn: text(),
      message: text(),
      type: text(),
      status: text(),
      'last-activity': Time,
    }),
  ),
});
export type Dash = Static<typeof Dash>;

export const Subscription = Type.Object({
  id: text(),
  prn: text(),
  type: text(),
  subject: text(),
  issuer: text(),
  service: text(),
  'last-modified': Time,
  'time-created': Time,
  history: optional(Type.Array(Anything)),
  attr: optional(Type.Record(Type.String(), text())),
});
export type Subscription = Static<typeof Subscription>;

export const ChangePage = Type.Object({
  links: Type.Object({ next: text(), prev: text() }),
  data: Type.Array(Anything),
});
