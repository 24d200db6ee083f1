import Type from 'typebox';
import { define } from '../route.ts';
import { accepts } from '../scopes.ts';
import { Anything, JsonMap, Text } from '../shapes.ts';

const Processed = Type.Array(JsonMap);
const operator = { access: 'operator', body: Anything, bodyOptional: true } as const;
const Moment = Type.Object({ timemodified: Type.Optional(Type.String()) });

/** Routes for whoever runs the hub, the API document, and downloads (hub-api §14, §16, §17). */
export const operatorRoutes = {
  health: define({
    id: 'health.get',
    method: 'GET',
    path: '/healthz/',
    summary: 'Whether database and blob store answer',
    access: 'operator',
    response: JsonMap,
  }),
  live: define({
    id: 'health.live',
    method: 'GET',
    path: '/healthz/live',
    summary: 'Whether the process answers',
    access: 'open',
    response: JsonMap,
  }),
  ready: define({
    id: 'health.ready',
    method: 'GET',
    path: '/healthz/ready',
    summary: 'Whether the hub takes requests (503 while it shuts down)',
    access: 'open',
    response: JsonMap,
  }),
  metrics: define({
    id: 'metrics.get',
    method: 'GET',
    path: '/metrics/',
    summary: 'Measurements for Prometheus',
    access: 'operator',
    response: Text,
    style: 'raw',
  }),
  cronDevices: define({
    ...operator,
    id: 'cron.devices',
    method: 'PUT',
    path: '/cron/public/devices',
    summary: 'Nothing to do: sharing takes effect at once',
    response: Processed,
  }),
  cronSteps: define({
    ...operator,
    id: 'cron.steps',
    method: 'PUT',
    path: '/cron/public/steps',
    summary: 'Nothing to do: sharing takes effect at once',
    response: Processed,
  }),
  callbackDevice: define({
    ...operator,
    id: 'callbacks.device',
    method: 'PUT',
    path: '/callbacks/devices/:id',
    summary: 'Nothing to do: sharing takes effect at once',
    query: Moment,
    response: JsonMap,
  }),
  callbackStep: define({
    ...operator,
    id: 'callbacks.step',
    method: 'PUT',
    path: '/callbacks/steps/:id',
    summary: 'Nothing to do: sharing takes effect at once',
    query: Moment,
    response: JsonMap,
  }),
  plog: define({
    id: 'plog.posts',
    method: 'GET',
    path: '/plog/posts',
    summary: 'Own posts (always none)',
    access: 'token',
    scopes: accepts.user.read,
    response: Type.Array(Anything),
  }),
  openapi: define({
    id: 'api.document',
    method: 'GET',
    path: '/swagger/openapi.json',
    summary: 'This API as OpenAPI 3.1',
    access: 'open',
    response: JsonMap,
  }),
  reference: define({
    id: 'api.reference',
    method: 'GET',
    path: '/swagger/',
    summary: 'This API as a page',
    access: 'open',
    response: Text,
    style: 'raw',
  }),
  exports: define({
    id: 'exports.get',
    method: 'GET',
    path: '/exports/:ownernick/:devicenick/:rev/:filename',
    summary: 'A revision with its objects as a tar archive',
    access: 'optional',
    scopes: accepts.devices.read,
    query: Type.Object({ parts: Type.Optional(Type.String()) }),
    response: Text,
    style: 'raw',
  }),
};
