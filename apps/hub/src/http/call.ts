import type { BodyOf, ParamsOf, QueryOf, Route } from '@pantavisor/hub-api';
import type { FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import type { Principal } from '../auth/principal.ts';
import type { IdleKind } from '../devices/idle-answers.ts';
import type { Hub } from '../hub.ts';

/** One request, as a handler sees it: checked, and with the caller known. */
export interface Call<T extends Route = Route> {
  hub: Hub;
  route: Route;
  params: ParamsOf<T>;
  /** every query parameter of the request; declared ones are typed, others may be there too */
  query: QueryOf<T> & Record<string, string | undefined>;
  body: BodyOf<T>;
  /** body as it came */
  rawBody: Buffer;
  /** whoever calls; only on routes that need a token */
  caller: Principal;
  /** whoever calls, where a token is not needed */
  principal: Principal | undefined;
  /** address of the client */
  address: string;
  /** scheme and host under which the client reaches the hub, e.g. `https://hub:443`, without a slash at the end */
  base: string;
  request: FastifyRequest;
}

/** An answer that is more than a JSON value with status 200. */
export class Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string | string[]>;

  /** @param body JSON value, or text, Buffer or stream on routes of style `raw` */
  constructor(status: number, body: unknown, headers: Record<string, string | string[]> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** A route with the function that serves it. */
export interface Served {
  route: Route;
  run(call: Call): unknown;
  /** what whole fleets ask every few seconds: such a request of the device itself is answered from memory when possible */
  idle?: IdleKind;
}

/** Ties a handler to its route; types of parameters, query and body come from the contract. */
export function serve<P extends string, Q extends TSchema, B extends TSchema, R extends TSchema>(
  route: Route<P, Q, B, R>,
  run: (call: Call<Route<P, Q, B, R>>) => unknown,
  idle?: IdleKind,
): Served {
  return {
    route: route as unknown as Route,
    run: run as unknown as Served['run'],
    ...(idle === undefined ? {} : { idle }),
  };
}
