import type { Static, TSchema } from 'typebox';
import type { BaseScope } from './scopes.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * Who may knock at a route at all; what a caller then sees is decided per resource.
 * - `open`: nobody is asked who they are
 * - `optional`: a token is looked at when there is one
 * - `token`: a valid bearer token is needed
 * - `operator`: HTTP basic auth of the operator (`saadmin`) is needed
 * - `signed`: the address itself is the permission
 */
export type Access = 'open' | 'optional' | 'token' | 'operator' | 'signed';

export type PrincipalType = 'USER' | 'SESSION' | 'DEVICE' | 'SERVICE' | 'CLIENT' | 'ADMIN';

/** Names of the `:parameters` of a path, as a record of texts. */
export type PathParams<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? { [K in Name]: string } & PathParams<`/${Rest}`>
  : P extends `${string}:${infer Name}`
    ? { [K in Name]: string }
    : unknown;

/** One line of the hub's contract: server, client, API document and permission test are all made from it. */
export interface Route<
  P extends string = string,
  Q extends TSchema = TSchema,
  B extends TSchema = TSchema,
  R extends TSchema = TSchema,
> {
  /** stable name, `<resource>.<verb>`; operationId of the API document */
  id: string;
  method: Method;
  /** path with `:parameters`; the bare form of a mount ends in a slash, both forms are served */
  path: P;
  summary: string;
  access: Access;
  /** a token needs one of these, or `all`; absent = any token will do */
  scopes?: readonly BaseScope[];
  /** principal types that may call; absent = every type */
  callers?: readonly PrincipalType[];
  /** nothing behind it is public: an anonymous token is told to log in */
  personal?: boolean;
  query?: Q;
  body?: B;
  /** whether a request without a body is fine though `body` is declared */
  bodyOptional?: boolean;
  response: R;
  /** how the answer is written: compact in field order, sorted (canonical), indented, or not as JSON at all */
  style?: 'compact' | 'canonical' | 'indented' | 'raw';
  /** largest body in bytes; absent = 1 MiB */
  bodyLimit?: number;
}

/** Declares a route and keeps its literal types. */
export function define<
  const P extends string,
  Q extends TSchema = TSchema,
  B extends TSchema = TSchema,
  R extends TSchema = TSchema,
>(route: Route<P, Q, B, R>): Route<P, Q, B, R> {
  return route;
}

export type ParamsOf<T> = T extends Route<infer P, TSchema, TSchema, TSchema> ? PathParams<P> : never;
export type QueryOf<T> = T extends Route<string, infer Q, TSchema, TSchema> ? Static<Q> : never;
export type BodyOf<T> = T extends Route<string, TSchema, infer B, TSchema> ? Static<B> : never;
export type ResponseOf<T> = T extends Route<string, TSchema, TSchema, infer R> ? Static<R> : never;
