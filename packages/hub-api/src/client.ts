import type { TSchema } from 'typebox';
import type { BodyOf, ParamsOf, QueryOf, ResponseOf, Route } from './route.ts';

/** What a call may carry; members appear only where the route has them. */
export interface CallInput<T> {
  params?: ParamsOf<T>;
  query?: QueryOf<T> & Record<string, string>;
  body?: BodyOf<T>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The hub answered with something else than success. */
export class HubCallError extends Error {
  override readonly name = 'HubCallError';
  readonly status: number;
  /** stable code from the body, or `unknown` */
  readonly reason: string;
  readonly body: unknown;
  readonly headers: Headers;

  constructor(what: string, status: number, body: unknown, headers: Headers) {
    const members = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
    const said = members.msg ?? members.Error ?? members.error;
    super(`cannot ${what}: the hub answered ${status}${typeof said === 'string' ? ` (${said})` : ''}`);
    this.status = status;
    this.reason = typeof members.reason === 'string' ? members.reason : 'unknown';
    this.body = body;
    this.headers = headers;
  }
}

export interface HubClientOptions {
  /** e.g. `http://localhost:12365` */
  baseUrl: string;
  /** bearer of every call; may be replaced later with `setToken` */
  token?: string;
  userAgent?: string;
  /** how requests are made; the platform's `fetch` when absent */
  fetch?: typeof fetch;
}

/** The typed client of the hub: one `call` for every route of the catalogue. */
export class HubClient {
  readonly baseUrl: string;
  #token: string | undefined;
  readonly #userAgent: string;
  readonly #fetch: typeof fetch;

  constructor({ baseUrl, token, userAgent = 'pantavisor-hub-client', fetch: request = fetch }: HubClientOptions) {
    this.baseUrl = baseUrl.replace(/\/+$/, '');
    this.#token = token;
    this.#userAgent = userAgent;
    this.#fetch = request;
  }

  /** Replaces the bearer of the calls to come; `undefined` removes it. */
  setToken(token: string | undefined): void {
    this.#token = token;
  }

  /**
   * Calls a route.
   * @returns the parsed answer, or its text where the route does not answer JSON
   * @throws HubCallError when the status is not 200
   */
  async call<P extends string, Q extends TSchema, B extends TSchema, R extends TSchema>(
    route: Route<P, Q, B, R>,
    input: CallInput<Route<P, Q, B, R>> = {},
  ): Promise<ResponseOf<Route<P, Q, B, R>>> {
    const response = await this.request(route, input as CallInput<Route>);
    const text = await response.text();
    const parsed = parseLeniently(text);
    if (response.status !== 200) throw new HubCallError(route.id, response.status, parsed, response.headers);
    return (route.style === 'raw' ? text : parsed) as ResponseOf<Route<P, Q, B, R>>;
  }

  /** Makes the request of a route and returns the platform's response as it is, whatever the status. */
  request(route: Route, input: CallInput<Route> = {}): Promise<Response> {
    const { params, query, body, headers, signal } = input;
    const search = new URLSearchParams((query ?? {}) as Record<string, string>).toString();
    return this.#fetch(
      `${this.baseUrl}${fillPath(route.path, (params ?? {}) as Record<string, string>)}${search && `?${search}`}`,
      {
        method: route.method,
        redirect: 'manual',
        headers: {
          'user-agent': this.#userAgent,
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      },
    );
  }
}

/** Puts values into the `:parameters` of a path, escaped. @throws Error when one is missing */
export function fillPath(path: string, params: Record<string, string>): string {
  return path.replaceAll(/:([a-z]+)/gi, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`cannot build ${path}: parameter '${name}' is missing`);
    return encodeURIComponent(value);
  });
}

function parseLeniently(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
