import { openApiDocument, operatorRoutes } from '@pantavisor/hub-api';
import { sql } from 'kysely';
import { Answer, type Served, serve } from '../http/call.ts';
import { Failure } from '../http/failure.ts';
import type { Metrics } from '../http/metrics.ts';
import type { Hub } from '../hub.ts';
import { wireTime } from '../names/times.ts';
import { version } from '../version.ts';
import { referencePage } from './reference-page.ts';

const cacheFor = 30_000;

/** Asks database and blob store whether they answer; the result holds for half a minute. */
function makeHealth() {
  let last: { at: number; answer: Record<string, unknown> } | undefined;
  return async (hub: Hub): Promise<Record<string, unknown>> => {
    const now = hub.clock();
    if (last !== undefined && now - last.at < cacheFor) return last.answer;
    const begin = process.hrtime.bigint();
    try {
      await sql`select 1`.execute(hub.db);
      await hub.blobs.size('0'.repeat(64));
    } catch (error) {
      throw new Failure('internal', 'cannot serve: the database or the blob store does not answer', { cause: error });
    }
    const answer = { code: 0, duration: Number(process.hrtime.bigint() - begin), 'start-time': wireTime(now) };
    last = { at: now, answer };
    return answer;
  };
}

const noop = (id: string) => ({ id, processed: true });

/** Handlers for whoever runs the hub (hub-api §16, §17) and for the API document. */
export function operatorHandlers(metrics: Metrics): Served[] {
  const health = makeHealth();
  const document = openApiDocument({ title: 'pantahub', version });
  return [
    serve(operatorRoutes.health, ({ hub }) => health(hub)),
    serve(operatorRoutes.live, () => ({ status: 'ok' })),
    serve(
      operatorRoutes.ready,
      ({ hub }) => new Answer(hub.ready ? 200 : 503, { status: hub.ready ? 'ok' : 'stopping' }),
    ),
    serve(
      operatorRoutes.metrics,
      async () => new Answer(200, await metrics.registry.metrics(), { 'content-type': metrics.registry.contentType }),
    ),
    serve(operatorRoutes.cronDevices, () => []),
    serve(operatorRoutes.cronSteps, () => []),
    serve(operatorRoutes.callbackDevice, ({ params }) => noop(params.id)),
    serve(operatorRoutes.callbackStep, ({ params }) => noop(params.id)),
    serve(operatorRoutes.plog, () => []),
    serve(operatorRoutes.openapi, () => document),
    serve(
      operatorRoutes.reference,
      () =>
        new Answer(200, referencePage(), {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy':
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
        }),
    ),
  ];
}
