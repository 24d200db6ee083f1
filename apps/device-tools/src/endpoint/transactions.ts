/** Transactions, the running revision and metadata for the web page and for scripts (appengine.md C.2). */
import type { ToolHost } from '../host/ports.ts';
import { PvtxFailure, reasonOf } from '../pvtx/failure.ts';
import { Transaction } from '../pvtx/transaction.ts';
import { deviceJson, revisionOf, runningRevision, runRevision, tellDevice } from './device-door.ts';
import { type Answer, Refusal, type Request } from './http-server.ts';

const base = '/cgi-bin/pvtx/';
const valueLimit = 4096;
const noTransaction = 'No active transaction.';

type Route = (request: Request) => Promise<Answer>;

export class Transactions {
  readonly #host: ToolHost;
  readonly #transaction: Transaction;
  #last: Promise<unknown> = Promise.resolve();

  /** @param folder of the one transaction */
  constructor(host: ToolHost, folder: string) {
    this.#host = host;
    this.#transaction = new Transaction(host, folder, { attempts: 1 });
  }

  /** Undefined when the path is none of these. */
  async answer(request: Request): Promise<Answer | undefined> {
    if (!request.path.startsWith(base)) return undefined;
    const route = this.#routes[`${request.method} ${request.path.slice(base.length)}`];
    if (!route) throw new Refusal(404, `there is no ${request.method} ${request.path}`);
    try {
      return await route(request);
    } catch (error) {
      const [status, headers] =
        error instanceof Refusal
          ? [error.status, error.headers]
          : error instanceof PvtxFailure
            ? [error.status ?? 400, error.retryAfter === undefined ? {} : { 'Retry-After': error.retryAfter }]
            : [500, {}];
      const transaction = await this.#state().catch(() => undefined);
      const parsed: unknown = transaction === undefined ? null : JSON.parse(transaction);
      return { status, headers, body: JSON.stringify({ error: reasonOf(error), transaction: parsed }) };
    }
  }

  /** Each changes the one transaction, so they take turns. */
  readonly #routes: Readonly<Record<string, Route>> = {
    'POST begin': (request) =>
      this.#inTurn(async () => {
        await this.#transaction.begin(request.query.get('empty') === 'true' ? 'empty' : 'current');
        return this.#shown();
      }),
    'PUT add': (request) =>
      this.#inTurn(async () => {
        await this.#active();
        await this.#transaction.add(request.body);
        return this.#shown();
      }),
    'PUT remove': (request) =>
      this.#inTurn(async () => {
        await this.#active();
        await this.#transaction.remove(needed(request, 'part'));
        return this.#shown();
      }),
    'GET show': () => this.#shown(),
    'POST abort': () =>
      this.#inTurn(async () => {
        await this.#active();
        await this.#transaction.abort();
        return { status: 200, body: '{}' };
      }),
    'POST commit': () =>
      this.#inTurn(async () => {
        await this.#active();
        return json({ revision: await this.#transaction.commit() });
      }),
    'POST run': async (request) => {
      await runRevision(this.#host, revisionOf(needed(request, 'rev')));
      return json({ status: 'ok' });
    },
    'GET status': async (request) => {
      const rev = revisionOf(request.query.get('rev') ?? (await runningRevision(this.#host)));
      return json({ rev, progress: await deviceJson(this.#host, `/steps/${rev}/progress`) });
    },
    'GET get-config': async () =>
      json({
        device: await deviceJson(this.#host, '/device-meta'),
        user: await deviceJson(this.#host, '/user-meta'),
      }),
    'POST usermeta/save': async (request) => {
      const key = encodeURIComponent(needed(request, 'key'));
      await tellDevice(this.#host, 'PUT', `/user-meta/${key}`, await request.text(valueLimit));
      return json(await deviceJson(this.#host, '/user-meta'));
    },
    'PUT usermeta/delete': async (request) => {
      await tellDevice(this.#host, 'DELETE', `/user-meta/${encodeURIComponent(needed(request, 'key'))}`);
      return json(await deviceJson(this.#host, '/user-meta'));
    },
  };

  async #state(): Promise<string | undefined> {
    return (await this.#transaction.status())?.phase === 'active' ? this.#transaction.show() : undefined;
  }

  async #active(): Promise<string> {
    const state = await this.#state();
    if (state === undefined) throw new Refusal(400, noTransaction);
    return state;
  }

  async #shown(): Promise<Answer> {
    return { status: 200, body: await this.#active() };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

const json = (value: unknown): Answer => ({ status: 200, body: JSON.stringify(value) });

function needed({ query }: Request, name: string): string {
  const value = query.get(name);
  if (value) return value;
  throw new Refusal(400, `name the ${name}: ?${name}=…`);
}
