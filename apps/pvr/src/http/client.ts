/** HTTP over Node's own client: exact lengths, streams in both directions, private CAs, proxies, no retries of its own. */
import { readFileSync } from 'node:fs';
import type { Agent as HttpAgent, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import { Failure } from '@pantavisor/cli';

export interface HttpOptions {
  /** `system` follows HTTP_PROXY, HTTPS_PROXY and NO_PROXY; `no` uses none; else the address of one. */
  proxy: string;
  insecure: boolean;
  environment: Readonly<Record<string, string | undefined>>;
  /** Further certificates to trust, PEM. */
  authorities?: readonly string[];
  trace?: (line: string) => void;
}

export interface HttpCall {
  method?: string;
  headers?: OutgoingHttpHeaders;
  /** A stream needs a `Content-Length` among the headers. */
  body?: string | Uint8Array | (() => Readable);
  /** Redirects to follow; default 5 for GET and HEAD, none for others. */
  redirects?: number;
  /** Milliseconds without a byte; default 60 s. */
  timeout?: number;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Readable;
  url: string;
  text(): Promise<string>;
}

/** Loading these takes longer than most commands that need no network; so they come when they are asked for. */
const modules = {
  get http(): typeof import('node:http') {
    return process.getBuiltinModule('node:http');
  },
  get https(): typeof import('node:https') {
    return process.getBuiltinModule('node:https');
  },
  get tls(): typeof import('node:tls') {
    return process.getBuiltinModule('node:tls');
  },
  get zlib(): typeof import('node:zlib') {
    return process.getBuiltinModule('node:zlib');
  },
} as const;

const idleTimeout = 60_000;
const textLimit = 64 * 1024 * 1024;

export class HttpClient {
  readonly #options: HttpOptions;
  readonly #agents: { http: HttpAgent; https: HttpsAgent };

  constructor(options: HttpOptions) {
    this.#options = options;
    const { proxy, insecure, environment, authorities = [] } = options;
    const proxyEnv: NodeJS.ProcessEnv =
      proxy === 'no' ? {} : proxy === 'system' ? { ...environment } : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
    const extra = environment.NODE_EXTRA_CA_CERTS ?? environment.SSL_CERT_FILE;
    const own = [...authorities, ...(extra === undefined ? [] : [readFileSync(extra, 'utf8')])];
    const shared = { keepAlive: true, maxSockets: 16, proxyEnv };
    this.#agents = {
      http: new modules.http.Agent(shared),
      https: new modules.https.Agent({
        ...shared,
        rejectUnauthorized: !insecure,
        ...(own.length > 0 ? { ca: [...modules.tls.rootCertificates, ...own] } : {}),
      }),
    };
  }

  /** A client that also trusts these certificates, or none at all. */
  with(change: Pick<HttpOptions, 'authorities'> | Pick<HttpOptions, 'insecure'>): HttpClient {
    return new HttpClient({ ...this.#options, ...change });
  }

  /**
   * Makes one call. Whatever status comes is an answer.
   * @throws Failure `unreachable` when none comes
   */
  async call(url: string, call: HttpCall = {}): Promise<HttpAnswer> {
    const method = call.method ?? 'GET';
    const answer = await this.#once(url, call);
    const { location } = answer.headers;
    const redirects = call.redirects ?? (method === 'GET' || method === 'HEAD' ? 5 : 0);
    if (answer.status >= 301 && answer.status <= 308 && location !== undefined && redirects > 0) {
      answer.body.resume();
      const next = new URL(location, url);
      const headers = { ...call.headers };
      // A token is meant for one host; object stores behind a registry even refuse it.
      if (next.host !== new URL(url).host)
        for (const name of Object.keys(headers)) if (/^authorization$/i.test(name)) delete headers[name];
      return this.call(next.href, { ...call, headers, redirects: redirects - 1 });
    }
    return answer;
  }

  #once(url: string, { method = 'GET', headers = {}, body, timeout = idleTimeout }: HttpCall): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error & { code?: string }): void => {
        const hint = /CERT|SIGNED|ISSUER/.test(cause.code ?? '')
          ? 'NODE_EXTRA_CA_CERTS names a file with further certificates to trust; --insecure trusts all'
          : undefined;
        const reason = cause.message === '' ? (cause.code ?? 'no connection') : cause.message;
        reject(
          new Failure('unreachable', `cannot ${method} ${withoutSecrets(url)}: ${reason}`, {
            cause,
            exitCode: 3,
            ...(hint === undefined ? {} : { hint }),
          }),
        );
      };
      let target: URL;
      try {
        target = new URL(url);
      } catch (error) {
        fail(error as Error);
        return;
      }
      const secure = target.protocol === 'https:';
      if (!secure && target.protocol !== 'http:') {
        fail(new Error(`${target.protocol} is not supported`));
        return;
      }
      const length =
        typeof body === 'string' ? Buffer.byteLength(body) : body instanceof Uint8Array ? body.length : undefined;
      const outgoing = (secure ? modules.https : modules.http).request(target, {
        method,
        agent: secure ? this.#agents.https : this.#agents.http,
        timeout,
        headers: {
          'user-agent': 'pvr',
          'accept-encoding': 'gzip',
          ...(length === undefined
            ? body
              ? {}
              : method === 'GET' || method === 'HEAD'
                ? {}
                : { 'content-length': 0 }
            : { 'content-length': length }),
          ...headers,
        },
      });
      this.#options.trace?.(`> ${method} ${withoutSecrets(url)}`);
      outgoing.on('timeout', () => outgoing.destroy(new Error(`nothing came for ${timeout / 1000} s`)));
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        this.#options.trace?.(`< ${incoming.statusCode} ${incoming.statusMessage}`);
        resolve(wrap(incoming, withoutSecrets(url)));
      });
      if (typeof body === 'function') {
        const stream = body();
        stream.on('error', (error) => outgoing.destroy(error));
        stream.pipe(outgoing);
      } else outgoing.end(body);
    });
  }
}

function wrap(incoming: IncomingMessage, url: string): HttpAnswer {
  const zipped = incoming.headers['content-encoding'] === 'gzip';
  const body: Readable = zipped ? incoming.pipe(modules.zlib.createGunzip()) : incoming;
  if (zipped) incoming.on('error', (error) => body.destroy(error));
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body,
    url,
    text: async () => {
      const pieces: Uint8Array[] = [];
      let size = 0;
      try {
        for await (const piece of body as AsyncIterable<Uint8Array>) {
          pieces.push(piece);
          size += piece.length;
          if (size > textLimit) throw new Error(`it is larger than ${textLimit} bytes`);
        }
      } catch (cause) {
        throw new Failure('unreachable', `cannot read the answer of ${url}: ${(cause as Error).message}`, {
          cause,
          exitCode: 3,
        });
      }
      return Buffer.concat(pieces).toString('utf8');
    },
  };
}

/** Queries and passwords of addresses are often secrets; they do not belong into messages. */
export function withoutSecrets(url: string): string {
  return url.replace(/\?.*$/s, '').replace(/\/\/[^/@]*@/, '//');
}
