/** Calls to hubs: sends the token of the host, and gets one when the hub asks for it (pvr §6, hub-client §2.1). */
import { readFileSync } from 'node:fs';
import { Failure, type Terminal } from '@pantavisor/cli';
import type { HttpAnswer, HttpCall, HttpClient } from '../http/client.ts';
import { refusal } from '../http/failures.ts';
import { TokenStore } from './token-store.ts';

export interface SessionOptions {
  http: HttpClient;
  configDirectory: string;
  accessToken: string | undefined;
  terminal: Terminal;
  environment: Readonly<Record<string, string | undefined>>;
}

export interface HubCall extends HttpCall {
  /** May be made as nobody in particular; for reading only. */
  anonymous?: boolean;
}

interface Challenge {
  endpoint: string;
  realm: string;
  /** The hub says what is wrong with the token that it got. */
  rejected: boolean;
}

const anonymousUser = 'prn:pantahub.com:auth:/anon';
const anonymousScope = 'devices.readonly objects.readonly trails.readonly';
const loginAttempts = 3;
/** How often a call is made that the hub puts off, and the longest wait in seconds. */
const patience = 8;
const longestWait = 30;

export class HubSession {
  readonly store: TokenStore;
  readonly #options: SessionOptions;
  /** Tokens in use, by origin: a token never goes to another host than the one that asked for it. */
  readonly #tokens = new Map<string, string>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.store = new TokenStore(options.configDirectory);
  }

  get http(): HttpClient {
    return this.#options.http;
  }

  /** A token given with `--access-token`, PVR_ACCESSTOKEN or in the file PVR_ACCESSTOKEN_FILE; no log-in happens then. */
  get presetToken(): string | undefined {
    const { accessToken, environment } = this.#options;
    if (accessToken) return accessToken;
    const file = environment.PVR_ACCESSTOKEN_FILE;
    if (!file) return undefined;
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (cause) {
      throw new Failure('token-file', `cannot read the token in ${file}: ${(cause as Error).message}`, {
        cause,
        exitCode: 4,
      });
    }
  }

  /** Makes a call; any status other than 401 and 403 is an answer, and those too when no log-in can change them. */
  async call(url: string, call: HubCall = {}): Promise<HttpAnswer> {
    const preset = this.presetToken;
    const origin = new URL(url).origin;
    const send = (token: string | undefined): Promise<HttpAnswer> =>
      this.#patiently(url, token ? { ...call, headers: { ...call.headers, authorization: `Bearer ${token}` } } : call);
    if (preset) return send(preset);
    const first = this.#tokens.get(origin) ?? this.#cachedFor(origin);
    let answer = await send(first);
    let used = first;
    let triedAnonymous = false;
    for (let attempt = 0; attempt < loginAttempts && (answer.status === 401 || answer.status === 403); attempt += 1) {
      const challenge = readChallenge(answer.headers['www-authenticate']);
      if (answer.status === 403 && !challenge && !triedAnonymous) return answer;
      const known = challenge ?? this.#challengeOf(origin);
      if (!known) return answer;
      answer.body.resume();
      if (!sameSite(origin, known.endpoint))
        throw new Failure('foreign-login', `cannot log in for ${origin}: it asks for the tokens of ${known.endpoint}`, {
          exitCode: 3,
          hint: 'a host gets only tokens of its own domain; if you trust it, give one with --access-token',
        });
      const token = await this.#tokenFor(known, used, call.anonymous === true && !triedAnonymous);
      triedAnonymous ||= token.anonymous;
      used = token.token;
      this.#tokens.set(origin, used);
      this.#endpoints.set(origin, known);
      answer = await send(used);
    }
    return answer;
  }

  /** A hub that is asked too often says when to come again; thousands of objects are announced in a row. */
  async #patiently(url: string, call: HttpCall): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.http.call(url, call);
      const seconds = Number(answer.headers['retry-after']);
      if (answer.status !== 429 || attempt === patience || !(seconds >= 0 && seconds <= longestWait)) return answer;
      answer.body.resume();
      await new Promise((resolve) => setTimeout(resolve, Math.max(seconds, 0.1) * 1000));
    }
  }

  /** Calls and reads JSON as text. @throws Failure of the answer unless its status is 200 */
  async text(what: string, url: string, call: HubCall = {}): Promise<string> {
    const answer = await this.call(url, call);
    if (answer.status !== 200) throw await refusal(what, answer);
    return answer.text();
  }

  /** Calls with a JSON body and parses the JSON that comes. */
  async json<T>(what: string, url: string, call: Omit<HubCall, 'body'> & { body?: unknown } = {}): Promise<T> {
    const { body, ...rest } = call;
    const text = await this.text(what, url, {
      ...rest,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
        ...rest.headers,
      },
    });
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new Failure('answer-invalid', `cannot ${what}: the answer is no JSON`, { cause, exitCode: 3 });
    }
  }

  /** Forgets the token of a host. */
  forget(origin: string): void {
    this.#tokens.delete(origin);
    for (const key of this.store.keys()) if (originOf(key) === origin) this.store.remove(key);
  }

  readonly #endpoints = new Map<string, Challenge>();

  #challengeOf(origin: string): Challenge | undefined {
    return this.#endpoints.get(origin);
  }

  #cachedFor(origin: string): string | undefined {
    const key = this.store.keys().find((stored) => originOf(stored) === origin);
    return key === undefined ? undefined : this.store.get(key)?.access;
  }

  /** A token other than the one that was refused: stored, refreshed, anonymous, or by logging in. */
  async #tokenFor(
    { endpoint, realm, rejected }: Challenge,
    refused: string | undefined,
    mayBeAnonymous: boolean,
  ): Promise<{ token: string; anonymous: boolean }> {
    const key = `${endpoint} realm=${realm}`;
    const stored = this.store.get(key);
    if (stored && stored.access !== refused) return { token: stored.access, anonymous: false };
    if (stored && !rejected) {
      const fresh = await this.#ask(`${endpoint}/login`, { headers: { authorization: `Bearer ${stored.refresh}` } });
      if (fresh !== undefined && fresh !== refused) {
        this.store.set(key, fresh);
        return { token: fresh, anonymous: false };
      }
    }
    if (stored) this.store.remove(key);
    const { PVR_USERNAME: username, PVR_PASSWORD: password } = this.#options.environment;
    const unattended = username !== undefined && password !== undefined;
    if (mayBeAnonymous && !unattended) {
      const token = await this.#login(endpoint, anonymousUser, anonymousUser, anonymousScope);
      // Kept in memory only: stored under the key of a real log-in it would stand for one.
      if (token !== undefined) return { token, anonymous: true };
    }
    const token = unattended
      ? await this.#login(endpoint, username, password, '')
      : await this.#askPerson(endpoint, realm);
    if (token === undefined)
      throw new Failure('login-failed', `cannot log in at ${endpoint}: name or password is wrong`, { exitCode: 3 });
    this.store.set(key, token);
    return { token, anonymous: false };
  }

  async #askPerson(endpoint: string, realm: string): Promise<string | undefined> {
    const { terminal } = this.#options;
    if (!terminal.interactive)
      throw new Failure('login-needed', `cannot log in at ${endpoint}: nobody is there to ask`, {
        exitCode: 3,
        hint: 'set PVR_USERNAME and PVR_PASSWORD, or PVR_ACCESSTOKEN, or PVR_ACCESSTOKEN_FILE',
      });
    for (let attempt = 0; attempt < loginAttempts; attempt += 1) {
      terminal.stderr.write(`*** Login (/type [R] to register) @ ${endpoint} (realm=${realm}) ***\n`);
      const username = await terminal.ask('Username: ');
      if (/^(R|REG|REGISTER)$/.test(username)) {
        const email = await terminal.ask('Email: ');
        const nick = await terminal.ask('Username: ');
        const password = await terminal.ask('Password: ', { hidden: true });
        if (password !== (await terminal.ask('Repeat Password: ', { hidden: true }))) continue;
        await register(this.http, endpoint, { email, nick, password });
        continue;
      }
      const password = await terminal.ask('Password: ', { hidden: true });
      const token = await this.#login(endpoint, username, password, '');
      if (token !== undefined) return token;
    }
    return undefined;
  }

  #login(endpoint: string, username: string, password: string, scope: string): Promise<string | undefined> {
    return this.#ask(`${endpoint}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ password, scope, username }),
    });
  }

  async #ask(url: string, call: HttpCall): Promise<string | undefined> {
    const answer = await this.http.call(url, call);
    const text = await answer.text();
    if (answer.status === 429 || answer.status >= 500)
      throw new Failure('login-refused', `cannot log in: ${answer.url} answered ${answer.status}`, { exitCode: 3 });
    if (answer.status !== 200) return undefined;
    try {
      const { token } = JSON.parse(text) as { token?: unknown };
      return typeof token === 'string' ? token : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Makes an account. @returns what the hub says about it */
export async function register(
  http: HttpClient,
  endpoint: string,
  account: { email: string; nick: string; password: string },
): Promise<Record<string, unknown>> {
  const answer = await http.call(`${endpoint}/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(account),
  });
  if (answer.status !== 200) throw await refusal(`register ${account.nick}`, answer);
  return JSON.parse(await answer.text()) as Record<string, unknown>;
}

/** Whether both addresses are of one host or one domain, so that a stranger cannot ask for the tokens of another hub. */
function sameSite(origin: string, endpoint: string): boolean {
  const [a, b] = [new URL(origin).hostname, new URL(endpoint).hostname];
  if (a === b) return true;
  const domain = (host: string): string | undefined =>
    /^[\d.]+$|:/.test(host) ? undefined : host.split('.').slice(-2).join('.');
  return domain(a)?.includes('.') === true && domain(a) === domain(b);
}

function originOf(key: string): string {
  try {
    return new URL(key.split(' realm=')[0]!).origin;
  } catch {
    return '';
  }
}

/** Reads `WWW-Authenticate: JWT realm="…", ph-aeps="…"`. Undefined when it asks for something else. */
export function readChallenge(header: string | undefined): Challenge | undefined {
  const match = /^(?:JWT|Bearer)\s+(.*)$/is.exec(header ?? '');
  if (!match) return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, bare] of match[1]!.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,]*))/g))
    parameters.set(name.toLowerCase(), quoted ?? bare ?? '');
  const endpoint = parameters.get('ph-aeps')?.split(',')[0]?.trim();
  const realm = parameters.get('realm');
  if (!endpoint || realm === undefined || !/^https?:\/\//.test(endpoint)) return undefined;
  return { endpoint: endpoint.replace(/\/+$/, ''), realm, rejected: parameters.has('error') };
}
