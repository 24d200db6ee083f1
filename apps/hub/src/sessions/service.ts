import { createHash, randomBytes } from 'node:crypto';
import type { Session } from '@pantavisor/hub-api';
import { type Claims, type Principal, principalOf } from '../auth/principal.ts';
import { Failure } from '../http/failure.ts';
import type { Hub } from '../hub.ts';
import { wireTime } from '../names/times.ts';

/** A session that was looked at is believed for so long, and then noted as seen; milliseconds. */
const believed = 30_000;
const mostRemembered = 10_000;
const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

interface Known {
  id: string;
  principal: Principal;
  until: number;
}

/** Logins of browsers: a random secret in a cookie, its digest in the database, so that each can be ended by itself. */
export class Sessions {
  readonly #known = new Map<string, Known>();

  /** Forgets what was checked for an account; without a prn for all. */
  forget(prn?: string): void {
    if (prn === undefined) this.#known.clear();
    else for (const [key, { principal }] of this.#known) if (principal.prn === prn) this.#known.delete(key);
  }

  /** Whether this secret was checked a moment ago. */
  knows(secret: string, now: number): boolean {
    return (this.#known.get(digestOf(secret))?.until ?? 0) > now;
  }

  /** Begins a session. @returns its secret, which is nowhere else, and when it ends */
  async begin(hub: Hub, claims: Claims, { agent, address }: { agent: string; address: string }) {
    const now = hub.clock();
    const secret = randomBytes(32).toString('base64url');
    const expires = now + hub.config['session-hours'] * 3_600_000;
    const { exp: _, ...lasting } = claims;
    const row = {
      id: hub.ids.next(now),
      digest: digestOf(secret),
      prn: principalOf(claims).prn,
      claims: JSON.stringify(lasting),
      agent: agent.slice(0, 300),
      address,
      created: now,
      seen: now,
      expires,
    };
    await hub.writer.write(async (tx) => {
      await tx.deleteFrom('sessions').where('expires', '<', now).execute();
      await tx.insertInto('sessions').values(row).execute();
    });
    return { secret, expires };
  }

  /** Whoever holds this secret. @throws Failure not-authorized when the session ended, or the account was closed or logged out */
  async principal(hub: Hub, secret: string): Promise<{ id: string; principal: Principal }> {
    const digest = digestOf(secret);
    const now = hub.clock();
    const known = this.#known.get(digest);
    if (known !== undefined && known.until > now) return known;
    const row = await hub.db.selectFrom('sessions').selectAll().where('digest', '=', digest).executeTakeFirst();
    if (row === undefined || row.expires <= now)
      throw new Failure('not-authorized', 'cannot go on: this session has ended; log in again');
    const principal = await hub.tokens.principalFor(JSON.parse(row.claims) as Claims);
    if (this.#known.size >= mostRemembered) this.#known.clear();
    const found = { id: row.id, principal, until: Math.min(now + believed, row.expires) };
    this.#known.set(digest, found);
    if (now - row.seen > believed)
      await hub.writer.write((tx) => tx.updateTable('sessions').set({ seen: now }).where('id', '=', row.id).execute());
    return found;
  }

  /** Sessions of an account, the newest first. */
  async list(hub: Hub, prn: string, current: string | undefined): Promise<Session[]> {
    const rows = await hub.db
      .selectFrom('sessions')
      .selectAll()
      .where('prn', '=', prn)
      .where('expires', '>', hub.clock())
      .orderBy('created', 'desc')
      .execute();
    return rows.map(({ id, agent, address, created, seen, expires }) => ({
      id,
      current: id === current,
      agent,
      address,
      'time-created': wireTime(created),
      'last-seen': wireTime(seen),
      'expire-at': wireTime(expires),
    }));
  }

  /** Ends one session of an account. @returns whether there was one */
  async end(hub: Hub, prn: string, id: string): Promise<boolean> {
    const gone = await hub.writer.write((tx) =>
      tx.deleteFrom('sessions').where('id', '=', id).where('prn', '=', prn).executeTakeFirst(),
    );
    // Streams of the account end with it and begin anew where a session is left.
    hub.bus.tell({ kind: 'revoked', prn });
    return gone.numDeletedRows > 0n;
  }
}
