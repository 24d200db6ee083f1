import { hash, randomUUID } from 'node:crypto';
import { anonymousScopes, scopeName } from '@pantavisor/hub-api';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Config } from '../config/options.ts';
import type { Db } from '../db/schema.ts';
import { Failure } from '../http/failure.ts';
import type { Keys } from './keys.ts';
import { anonymousPrn, type Claims, type Principal, principalOf } from './principal.ts';

interface Known {
  principal: Principal;
  /** seconds */
  expires: number;
}

/** So many checked tokens are remembered: a fleet of this size is served without looking at keys or database. */
const remembered = 250_000;

export const realm = 'pantahub services';

/** Makes and checks bearer tokens, and remembers those it has checked. */
export class Tokens {
  readonly #keys: Keys;
  readonly #db: Db;
  readonly #config: Config;
  readonly #clock: () => number;
  #known = new Map<string, Known>();

  constructor({ keys, db, config, clock }: { keys: Keys; db: Db; config: Config; clock: () => number }) {
    this.#keys = keys;
    this.#db = db;
    this.#config = config;
    this.#clock = clock;
  }

  /** Makes a token. @param minutes its life; undefined = it does not expire by itself */
  async issue(claims: Claims, minutes: number | undefined = this.#config['token-minutes']): Promise<string> {
    const { exp: _, ...rest } = claims;
    const token = new SignJWT(rest as Record<string, unknown>).setProtectedHeader({ alg: 'RS256', typ: 'JWT' });
    if (minutes !== undefined) token.setExpirationTime(Math.floor(this.#clock() / 1000) + minutes * 60);
    return await token.sign(this.#keys.signing);
  }

  /** Signs other claims for a purpose; such a text is never good as a bearer token. */
  async seal(purpose: string, payload: Record<string, unknown>, seconds: number): Promise<string> {
    return await new SignJWT({ ...payload, purpose, jti: randomUUID() })
      .setProtectedHeader({ alg: 'RS256' })
      .setExpirationTime(Math.floor(this.#clock() / 1000) + seconds)
      .sign(this.#keys.signing);
  }

  /** Opens what {@link seal} made; undefined when it is broken, expired or of another purpose. */
  async unseal(purpose: string, text: string): Promise<Record<string, unknown> | undefined> {
    try {
      const { payload } = await jwtVerify(text, this.#keys.verifying, {
        algorithms: ['RS256'],
        currentDate: new Date(this.#clock()),
      });
      return payload.purpose === purpose ? payload : undefined;
    } catch {
      return undefined;
    }
  }

  /** The principal of a token that was checked before and is still good; costs one hash. */
  remembered(token: string): Principal | undefined {
    const known = this.#known.get(hash('sha256', token, 'base64'));
    return known !== undefined && known.expires * 1000 > this.#clock() ? known.principal : undefined;
  }

  /** Checks a token: signature, expiry, and that nobody took it back. @throws Failure not-authorized */
  async check(token: string): Promise<Principal> {
    const known = this.remembered(token);
    if (known !== undefined) return known;
    const claims = await this.#verify(token);
    const principal = await this.principalFor(claims);
    if (this.#known.size >= remembered) this.#known.delete(this.#known.keys().next().value ?? '');
    this.#known.set(hash('sha256', token, 'base64'), { principal, expires: claims.exp ?? Number.MAX_SAFE_INTEGER });
    return principal;
  }

  /** The principal of claims that the hub kept itself, such as those of a session. @throws Failure not-authorized */
  async principalFor(claims: Claims): Promise<Principal> {
    await this.#refuseRevoked(claims);
    if (claims['call-as'] !== undefined)
      await this.#refuseRevoked({ ...claims['call-as'], orig_iat: claims.orig_iat ?? 0 });
    return principalOf(claims);
  }

  /** The principal of somebody who did not say who they are: they see what is public. */
  nobody(): Principal {
    const prn = anonymousPrn;
    const scopes = anonymousScopes.map(scopeName).join(' ');
    return principalOf({ id: prn, prn, nick: 'anonymous', type: 'USER', roles: 'user', scopes });
  }

  /** Forgets what was checked for an account or device; its tokens are looked at anew. Without a prn: for all. */
  forget(prn?: string): void {
    if (prn === undefined) this.#known.clear();
    else
      for (const [key, { principal }] of this.#known)
        if (principal.prn === prn || principal.claims.aud === prn || principal.claims.token_id === prn)
          this.#known.delete(key);
  }

  /** Claims as they stand in a token, call-as not applied; for the refresh. @throws Failure not-authorized */
  async #verify(token: string): Promise<Claims> {
    try {
      const { payload } = await jwtVerify(token, this.#keys.verifying, {
        algorithms: ['RS256'],
        currentDate: new Date(this.#clock()),
      });
      const { prn, type } = payload;
      if (payload.purpose !== undefined) throw new Failure('not-authorized', 'cannot use this token to make requests');
      if (typeof prn !== 'string' || typeof type !== 'string')
        throw new Failure('not-permitted', 'cannot use this token: it names no account');
      return payload as unknown as Claims;
    } catch (error) {
      if (error instanceof Failure) throw error;
      const why = error instanceof errors.JWTExpired ? 'it has expired; log in again' : 'it is not one of this hub';
      throw new Failure('not-authorized', `cannot accept the token: ${why}`);
    }
  }

  /** The claims of the outer account too, for the refresh of a token. */
  async claims(token: string): Promise<Claims> {
    const claims = await this.#verify(token);
    await this.#refuseRevoked(claims);
    return claims;
  }

  async #refuseRevoked({ prn, type, orig_iat, iat, token_id, aud }: Claims): Promise<void> {
    const made = orig_iat ?? iat ?? Math.floor(this.#clock() / 1000);
    const gone = (what: string) => new Failure('not-authorized', `cannot accept the token: ${what}`);
    if (type === 'DEVICE' && prn.startsWith('prn:::devices:/')) {
      const device = await this.#db
        .selectFrom('devices')
        .select(['garbage_since', 'tokens_from'])
        .where('prn', '=', prn)
        .executeTakeFirst();
      if (device === undefined || device.garbage_since !== null) throw gone('the device was deleted');
      if (made < device.tokens_from) throw gone('the device was logged out');
    } else if (prn.startsWith('prn:::')) {
      const account = await this.#db
        .selectFrom('accounts')
        .select(['disabled', 'tokens_from'])
        .where('prn', '=', prn)
        .executeTakeFirst();
      if (account === undefined || account.disabled !== 0) throw gone('the account is closed');
      if (made < account.tokens_from) throw gone('the account was logged out');
    }
    if (token_id === undefined) return;
    const grant =
      aud === undefined
        ? await this.#db
            .selectFrom('access_tokens')
            .select('deleted as revoked')
            .where('id', '=', token_id)
            .executeTakeFirst()
        : await this.#db.selectFrom('grants').select('revoked').where('id', '=', token_id).executeTakeFirst();
    if (grant === undefined || grant.revoked !== null) throw gone('it was taken back');
  }
}
