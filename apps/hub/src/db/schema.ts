import type { Generated, Kysely, Transaction } from 'kysely';

/** Milliseconds since 1970; null = never. */
type Moment = number | null;
/** 0 or 1: neither a boolean type nor an enum is portable between the two databases. */
type Flag = number;
/** A JSON document as text. */
type Json = string;

export interface Tables {
  settings: { name: string; value: string };
  accounts: {
    id: string;
    prn: string;
    type: string;
    role: string;
    nick: string;
    email: string | null;
    owner: string;
    password: string;
    challenge: string | null;
    redirect_uris: Json | null;
    disabled: Flag;
    tokens_from: number;
    created: number;
    modified: number;
  };
  profiles: {
    prn: string;
    body: Json;
    meta: Json;
    is_public: Flag;
    created: number;
    modified: number;
    /** as of a device; holds for those of the owner that say nothing */
    follows: Generated<string | null>;
  };
  invitations: { code: string; role: string; expires: number };
  devices: {
    id: string;
    prn: string;
    nick: string;
    owner: string;
    secret: string;
    challenge: string | null;
    is_public: Flag;
    user_meta: Json;
    device_meta: Json;
    garbage_since: Moment;
    tokens_from: number;
    seen: Moment;
    address: string;
    created: number;
    modified: number;
    /** whom the device follows, from its user metadata (followers/address.ts); null = it says nothing */
    follows: Generated<string | null>;
    /** members of the user metadata whose names begin with `tag.`, without that; kept by the database */
    tags: Generated<Json>;
  };
  join_tokens: {
    id: string;
    nick: string;
    owner: string;
    digest: string;
    user_meta: Json;
    disabled: Flag;
    created: number;
    modified: number;
  };
  trails: {
    id: string;
    owner: string;
    device: string;
    last_rev: number;
    progress_rev: number;
    /** of the revision `progress_rev`, kept here so that a fleet can be counted by it */
    status: Generated<string>;
    last_insync: Moment;
    last_touched: number;
    garbage_since: Moment;
  };
  steps: {
    id: string;
    trail_id: string;
    rev: number;
    owner: string;
    device: string;
    commit_msg: string;
    state: Json;
    state_sha: string;
    meta: Json;
    progress: Json;
    status: string;
    progress_time: number;
    step_time: number;
    used_objects: Json;
    created: number;
    modified: number;
  };
  step_objects: { step_id: string; storage_id: string; sha: string };
  step_reports: {
    seq: Generated<number>;
    step_id: string;
    time: number;
    status: string;
    status_msg: string;
    progress: number;
  };
  objects: {
    storage_id: string;
    sha: string;
    owner: string;
    name: string;
    size: number;
    mime: string;
    linked: string | null;
    stored: Flag;
    created: number;
    modified: number;
  };
  logs: {
    seq: Generated<number>;
    dev: string;
    own: string;
    created: number;
    tsec: number;
    tnano: number;
    rev: string;
    plat: string;
    src: string;
    lvl: string;
    msg: string;
  };
  log_streams: { dev: string; stream: string; next: number; modified: number };
  apps: {
    id: string;
    prn: string;
    nick: string;
    owner: string;
    body: Json;
    secret: string;
    created: number;
    modified: number;
    deleted: Moment;
  };
  access_tokens: {
    id: string;
    name: string;
    type: string;
    owner: string;
    secret: string;
    scopes: Json;
    expires: number;
    created: number;
    modified: number;
    deleted: Moment;
  };
  grants: {
    id: string;
    client: string;
    owner: string;
    comment: string;
    claims: Json;
    created: number;
    revoked: Moment;
  };
  codes: { code: string; kind: string; body: Json; expires: number; used: Moment };
  subscriptions: {
    id: string;
    type: string;
    subject: string;
    issuer: string;
    attr: Json;
    history: Json;
    created: number;
    modified: number;
  };
  sessions: {
    id: string;
    digest: string;
    prn: string;
    claims: Json;
    agent: string;
    address: string;
    created: number;
    seen: number;
    expires: number;
  };
  meta_changes: {
    seq: Generated<number>;
    device: string;
    time: number;
    prn: string;
    name: string;
    /** JSON; null = the key was not there */
    was: string | null;
    became: string | null;
  };
  /** what is left to do for followers of a device, or for a follower; `past`: behind this follower */
  follow_work: { id: string; kind: string; device: string; past: string; stamp: string; due: number };
  bandwidth: { owner: string; month: string; bytes: number };
}

/** The database, or a transaction of it. */
export type Db = Kysely<Tables>;
export type Tx = Transaction<Tables>;
