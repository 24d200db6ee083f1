import { logRoutes } from '@pantavisor/hub-api';
import { type Served, serve } from '../http/call.ts';
import { listLogs, nextPage, postLogs } from './service.ts';

/** Handlers of `/logs` (hub-api §8). */
export const logHandlers: Served[] = [
  serve(logRoutes.post, async ({ hub, caller, body, address, request }) => {
    const runs = request.headers['pantahub-log-runs'];
    await postLogs(hub, caller, body, { address, runs: Array.isArray(runs) ? runs.join(',') : runs });
    return { status: 'ok' };
  }),
  serve(logRoutes.list, ({ hub, caller, query }) => listLogs(hub, caller, query)),
  serve(logRoutes.cursor, ({ hub, caller, body }) => nextPage(hub, caller, body['next-cursor'])),
  serve(logRoutes.cursorGet, ({ hub, caller, query }) => nextPage(hub, caller, query['next-cursor'] ?? '')),
];
