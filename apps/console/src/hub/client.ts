import { consoleHeader, HubCallError, HubClient, type Route } from '@pantavisor/hub-api';

/** Client of the hub that served this page. Who calls is in a cookie that this script cannot read. */
export const hub = new HubClient({
  baseUrl: '',
  fetch: (address, init) => {
    const headers = new Headers(init?.headers);
    // Browsers name themselves.
    headers.delete('user-agent');
    headers.set(consoleHeader, '1');
    return fetch(address, { ...init, headers, credentials: 'same-origin' });
  },
});

/** What a refusal means for the person in front of the screen. */
export interface Refusal {
  status: number;
  /** stable code, e.g. `not-permitted`; `offline` when the hub was not reached */
  reason: string;
  /** the hub's own sentence, beginning with "cannot" */
  message: string;
  requestId: string;
}

/** Reads whatever a call threw. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof HubCallError) {
    const body = (typeof error.body === 'object' && error.body !== null ? error.body : {}) as Record<string, unknown>;
    const said = typeof body.msg === 'string' && body.msg !== '' ? body.msg : error.message;
    return {
      status: error.status,
      reason: error.reason,
      message: said,
      requestId: typeof body['request-id'] === 'string' ? body['request-id'] : '',
    };
  }
  if (error instanceof TypeError) return { status: 0, reason: 'offline', message: '', requestId: '' };
  return {
    status: 0,
    reason: 'unknown',
    message: error instanceof Error ? error.message : String(error),
    requestId: '',
  };
}

/** Calls a route that comes in pages. @returns the page, and how many there are in all */
export async function callPage<T>(route: Route, input: Record<string, unknown>): Promise<{ total: number; page: T[] }> {
  const response = await hub.request(route, input as never);
  const body: unknown = await response.json();
  if (response.status !== 200) throw new HubCallError(route.id, response.status, body, response.headers);
  const page = body as T[];
  return { total: Number(response.headers.get('x-total-count') ?? page.length), page };
}
