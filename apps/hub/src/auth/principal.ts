import { type PrincipalType, scopeName } from '@pantavisor/hub-api';

/** The claims of a token as they stand in it (hub-api §3.2). */
export interface Claims {
  id: string;
  prn: string;
  nick: string;
  type: PrincipalType;
  roles: string;
  scopes: string;
  /** device tokens: owner when the token was made, empty while unclaimed */
  owner?: string;
  exp?: number;
  orig_iat?: number;
  /** when the token was made, where it has no `orig_iat` because it cannot be refreshed */
  iat?: number;
  /** delegated tokens: the service that acts */
  aud?: string;
  token_id?: string;
  'call-as'?: Claims;
}

/** Who makes a request: the claims of a token that was checked. */
export interface Principal {
  claims: Claims;
  prn: string;
  nick: string;
  type: PrincipalType;
  /** whose things this principal deals with: a device's owner, everybody else themselves */
  owner: string;
  admin: boolean;
  anonymous: boolean;
  scopes: ReadonlySet<string>;
}

const all = scopeName('all');

export function principalOf(outer: Claims): Principal {
  const inner = outer['call-as'];
  const claims: Claims =
    inner === undefined
      ? outer
      : {
          ...inner,
          ...(outer.exp === undefined ? {} : { exp: outer.exp }),
          ...(outer.orig_iat === undefined ? {} : { orig_iat: outer.orig_iat }),
        };
  return {
    claims,
    prn: claims.prn,
    nick: claims.nick,
    type: claims.type,
    owner: claims.type === 'DEVICE' ? (claims.owner ?? '') : claims.prn,
    admin: claims.roles === 'admin',
    anonymous: isAnonymous(claims.prn),
    scopes: new Set(claims.scopes.split(/[ ,]+/).map(scopeName)),
  };
}

/** Whether a principal was granted one of these base scopes, or everything. */
export function hasScope(principal: Principal, accepted: readonly string[]): boolean {
  return principal.scopes.has(all) || accepted.some((scope) => principal.scopes.has(scopeName(scope)));
}

export const anonymousPrn = 'prn:pantahub.com:auth:/anon';
export const isAnonymous = (prn: string): boolean => prn === anonymousPrn || prn.startsWith(`${anonymousPrn}-`);
