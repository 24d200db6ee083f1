/** Handlers for the tests of the port `Http`: plain, so that they serve on every host, and all that they notice is asked over HTTP. */
import { type Clock, HostError, type Http, type HttpRequest, type HttpResponse } from '../ports.ts';

export interface ServingRequest {
  behaviour: BehaviourName;
  /** What the handlers read and write, by names that begin with a slash. */
  directory: string;
  socketPath: string;
  mode: number;
  limits: Parameters<Http['serve']>[0]['limits'];
}

interface Surroundings {
  directory: string;
  clock: Clock;
  /** Resolves when the server begins to close. */
  closing: Promise<void>;
}

type Handler = (request: HttpRequest) => Promise<HttpResponse | undefined>;

const json = { 'Content-Type': 'application/json' };
const codeOf = (error: unknown) => (error instanceof HostError ? error.code : String(error));
const listed = (list: readonly string[]): HttpResponse => ({ status: 200, headers: json, body: JSON.stringify(list) });

/** One entry for each test that needs something of its own. */
const behaviours = {
  target:
    () =>
    async ({ target }) => ({ status: 200, headers: json, body: `"${target}"` }),
  list: () => async () => ({ status: 200, headers: json, body: '[]' }),
  ok: () => async () => ({ status: 200, body: 'ok' }),
  empty: () => async () => ({ status: 200, body: '' }),
  bodies:
    () =>
    async ({ target }) =>
      target === '/204'
        ? { status: 204, body: 'ignored' }
        : { status: 200, headers: json, body: target === '/e' ? '' : 'text' },
  refuses:
    () =>
    async ({ method }) =>
      method === 'PUT'
        ? { status: 403, headers: json, body: '{"Error":"no"}' }
        : { status: 200, headers: json, body: 'next' },
  order: ({ clock }) => {
    const order: string[] = [];
    return async ({ target }) => {
      order.push(`begin ${target}`);
      for (let turn = target === '/1' ? 20 : 0; turn > 0; turn -= 1)
        await new Promise<void>((next) => clock.after(0, next));
      order.push(`end ${target}`);
      return listed(order);
    };
  },
  reads: () => {
    const asked: string[] = [];
    return async (request) => {
      if (request.target === '/asked') return listed(asked);
      asked.push(request.target);
      await request.readBody(1000);
      return { status: 200, body: '' };
    };
  },
  slow:
    ({ clock }) =>
    async () => {
      await new Promise<void>((next) => clock.after(0, next));
      return { status: 200, body: 'good' };
    },
  limited: () => async (request) => {
    try {
      return { status: 200, body: await request.readBody(4) };
    } catch (error) {
      return { status: 507, body: codeOf(error) };
    }
  },
  saves: ({ directory }) => {
    const failures: string[] = [];
    return async (request) => {
      const { target } = request;
      if (target === '/failures') return listed(failures);
      const path = target === '/full' ? '/dev/full' : `${directory}${target}`;
      const admit = async (total: number) => total < 5_500_000;
      try {
        const saved = await request.saveBody(path, 0o640, admit);
        return { status: 200, headers: json, body: JSON.stringify(saved) };
      } catch (error) {
        failures.push(codeOf(error));
        return { status: 507, body: '' };
      }
    };
  },
  files:
    ({ directory }) =>
    async ({ target }) => ({
      status: 200,
      headers: { 'content-type': 'application/octet-stream' },
      body: { file: `${directory}${target}` },
    }),
  expects: () => async (request) =>
    request.target === '/no' ? { status: 400, body: 'no' } : { status: 200, body: await request.readBody(10) },
  fails:
    () =>
    async ({ target }) => {
      if (target === '/fail') throw new Error('broken');
      return undefined;
    },
  peer:
    () =>
    async ({ peer }) => ({ status: 200, body: `${peer.pid} ${peer.uid}` }),
  waits: () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    return async ({ target }) => {
      if (target === '/wait') await released;
      if (target === '/release') release();
      return { status: 200, body: 'done' };
    };
  },
  late: ({ closing }) => {
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    return async ({ target }) => {
      if (target === '/begun') await begun;
      else {
        begin();
        await closing;
      }
      return { status: 200, body: 'late' };
    };
  },
} satisfies Record<string, (surroundings: Surroundings) => Handler>;

export type BehaviourName = keyof typeof behaviours;

/** Serves with a behaviour. `close` ends that as the port does. Fails as the port's `serve` fails. */
export async function serveBehaviour(
  { http, clock }: { http: Http; clock: Clock },
  { behaviour, directory, ...request }: ServingRequest,
): Promise<{ close(): Promise<void> }> {
  let begin = () => {};
  const closing = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const make: (surroundings: Surroundings) => Handler = behaviours[behaviour];
  const server = await http.serve({
    ...request,
    handler: make({ directory, clock, closing }),
    malformed: (reason) => ({ status: reason === 'method' ? 501 : 400, headers: json, body: `{"Error":"${reason}"}` }),
  });
  return {
    close: () => {
      const closed = server.close();
      begin();
      return closed;
    },
  };
}
