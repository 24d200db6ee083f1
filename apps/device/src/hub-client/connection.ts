/** Requests to the Hub: addresses, headers, the token and its renewal, and what answers mean for who asked. */
import type { HubOutcome, Reason } from '@pantavisor/engine';
import type { ConfigStore } from '../config/store.ts';
import type { HttpCall, HttpClient, HttpHead, HttpStream } from '../host/http-client.ts';
import { HostError, type TextCoding } from '../host/ports.ts';
import { hubAddress, proxyOf } from './address.ts';
import type { Credentials } from './credentials.ts';
import type { ExternalCredentials } from './external.ts';

/** Milliseconds without a sign of life after which a stream counts as broken; a Hub gives one every 20 s. */
const longestSilence = 60_000;
/** Longest JSON answer, as of the original. */
const answerLimit = 2 * 1024 * 1024;

/** The Hub answered, but not with what was asked for. */
export class HubError extends Error {
  override name = 'HubError';
  readonly status: number;
  /** Milliseconds after which it wants to be asked again. */
  readonly retryAfterMs: number | undefined;
  constructor(what: string, status: number, detail: string, retryAfterMs?: number) {
    super(`cannot ${what}: the Hub answered ${status}${detail === '' ? '' : `: ${detail}`}`);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface ConnectionParts {
  client: HttpClient;
  text: TextCoding;
  store: ConfigStore;
  credentials: Credentials;
  external: ExternalCredentials;
  userAgent: string;
  /** Certificates of the authorities to trust (PEM); undefined: those of the machine. */
  authorities: string | undefined;
  /** The Hub has answered, from this address and port. */
  answered(server: string): void;
}

export interface HubCall {
  /** For messages, after "cannot", e.g. `register`. */
  what: string;
  method: string;
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  /** Text that is JSON already. */
  json?: string;
  headers?: Record<string, string>;
  /** Statuses beside 200 that are an answer. */
  accepts?: readonly number[];
}

export class HubConnection {
  readonly #parts: ConnectionParts;
  #token: string | undefined;
  #loggingIn: Promise<string> | undefined;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** Forgets the token; the next request logs in anew. */
  dropToken(): void {
    this.#token = undefined;
  }

  /** What every call to any server needs. */
  transport(): Pick<HttpCall, 'idleTimeout' | 'authorities' | 'proxy'> {
    const { store, authorities } = this.#parts;
    const config = store.snapshot();
    const idleTimeout = Math.max(1, config.PH_LIBEVENT_HTTP_TIMEOUT) * 1000;
    const proxy = proxyOf(config);
    return {
      idleTimeout,
      ...(authorities === undefined ? {} : { authorities }),
      ...(proxy === undefined ? {} : { proxy }),
    };
  }

  /** Logs in. @throws HubError, HostError */
  async login(): Promise<string> {
    this.#loggingIn ??= this.#login().finally(() => {
      this.#loggingIn = undefined;
    });
    return this.#loggingIn;
  }

  async #login(): Promise<string> {
    this.#token = undefined;
    const { credentials, external } = this.#parts;
    const text = external.used
      ? await external.login()
      : (await this.open({ what: 'log in', method: 'POST', path: '/auth/login', body: credentials.login })).text;
    const { token } = parseObject(text);
    if (typeof token !== 'string' || token === '') throw new HubError('log in', 200, 'there is no token in its answer');
    this.#token = token;
    return token;
  }

  /**
   * A request of the device itself. An expired token is renewed, once.
   * @throws HubError with status 401 when the Hub refuses the credentials, HostError when it does not answer
   */
  ask(call: HubCall): Promise<{ status: number; text: string }> {
    return this.#withToken((token) => this.open(withToken(call, token)));
  }

  /**
   * A request of the device itself whose answer is taken as it comes; a token is renewed as in `ask`.
   * @param call GET without a body
   * @param take `open` is called when the Hub has begun to answer with status 200
   */
  stream(call: Pick<HubCall, 'what' | 'path'>, take: { open(): void; bytes(piece: Uint8Array): void }): HttpStream {
    let current: HttpStream | undefined;
    let closed = false;
    const attempt = async (token: string) => {
      if (closed) return;
      let failure: HubError | undefined;
      const open = (head: HttpHead) => {
        if (head.status === 200) take.open();
        else failure = new HubError(call.what, head.status, '', retryAfter(head));
        return head.status === 200;
      };
      const transport = this.transport();
      current = this.#parts.client.stream(
        {
          ...transport,
          idleTimeout: Math.max(transport.idleTimeout, longestSilence),
          method: 'GET',
          url: this.#urlOf(call.path),
          headers: { 'user-agent': this.#parts.userAgent, connection: 'close', authorization: `Bearer ${token}` },
        },
        { open, bytes: take.bytes },
      );
      await current.ended;
      if (failure !== undefined) throw failure;
    };
    const close = () => {
      closed = true;
      current?.close();
    };
    return { ended: this.#withToken(attempt), close };
  }

  async #withToken<Result>(work: (token: string) => Promise<Result>): Promise<Result> {
    const token = this.#token ?? (await this.login());
    try {
      return await work(token);
    } catch (error) {
      if (!(error instanceof HubError) || error.status !== 401) throw error;
      // Another request may have renewed it meanwhile.
      return work(this.#token !== undefined && this.#token !== token ? this.#token : await this.login());
    }
  }

  #urlOf(path: string): string {
    return `${hubAddress(this.#parts.store.snapshot())}${path}`;
  }

  /** A request without a token. */
  async open(call: HubCall): Promise<{ status: number; text: string }> {
    const { client, text, userAgent } = this.#parts;
    const body = call.json ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const repeats = this.#parts.store.snapshot().PH_LIBEVENT_HTTP_RETRIES;
    const request = () =>
      client.request(
        {
          ...this.transport(),
          method: call.method,
          url: this.#urlOf(call.path),
          headers: {
            'user-agent': userAgent,
            connection: 'close',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...call.headers,
          },
          ...(body === undefined ? {} : { body }),
        },
        answerLimit,
      );
    const answer = await repeated(request, call.method, repeats);
    const { status, server } = answer;
    if (server !== undefined) this.#parts.answered(server);
    const content = text.decode(answer.body);
    if (status === 200 || call.accepts?.includes(status)) return { status, text: content };
    throw new HubError(call.what, status, messageOf(content), retryAfter(answer));
  }
}

function withToken(call: HubCall, token: string): HubCall {
  return { ...call, headers: { ...call.headers, authorization: `Bearer ${token}` } };
}

/** No server was reached: a request of any kind may be repeated. */
const notReached = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'];
/** The server may have done it: only what may be done twice is repeated (RFC 9110 §9.2.2). */
const cutOff = ['ECONNRESET', 'EPIPE'];

/** Repeats a request at once when its connection fails; a silence has taken long enough already. */
async function repeated<Answer>(request: () => Promise<Answer>, method: string, times: number): Promise<Answer> {
  for (let left = times; ; left -= 1) {
    try {
      return await request();
    } catch (error) {
      const code = error instanceof HostError ? error.code : '';
      const isSafe = notReached.includes(code) || (method !== 'POST' && cutOff.includes(code));
      if (left <= 0 || !isSafe) throw error;
    }
  }
}

/** The members of a JSON object; none when the text is something else. */
export function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What an error body of the Hub says, in one line. */
function messageOf(text: string): string {
  const { msg, error } = parseObject(text);
  const said = typeof msg === 'string' ? msg : typeof error === 'string' ? error : '';
  return said.slice(0, 200).replace(/\s+/g, ' ');
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3); dates are not believed, since clocks of devices are often wrong. */
function retryAfter({ headers }: Pick<HttpHead, 'headers'>): number | undefined {
  const seconds = headers['retry-after'];
  return seconds !== undefined && /^\d{1,7}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

/** Statuses that mean "not now". */
const busyStatuses = [408, 425, 429, 500, 502, 503, 504];

/** A failed request as the engine's Hub client wants to know it. */
export function outcomeOf(error: unknown): Extract<HubOutcome, { reason: Reason }> {
  if (error instanceof HubError) {
    const reason: Reason = { code: `hub-${error.status}`, message: error.message };
    if (error.status === 401) return { kind: 'credentials-refused', reason };
    if (!busyStatuses.includes(error.status)) return { kind: 'refused', reason };
    const { retryAfterMs } = error;
    return { kind: 'busy', reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  if (error instanceof HostError)
    return { kind: 'unreachable', reason: { code: `hub-${error.code}`, message: error.message } };
  return {
    kind: 'refused',
    reason: { code: 'hub-answer', message: error instanceof Error ? error.message : String(error) },
  };
}
