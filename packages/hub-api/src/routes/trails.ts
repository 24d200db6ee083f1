import Type from 'typebox';
import { define } from '../route.ts';
import { accepts } from '../scopes.ts';
import {
  Anything,
  JsonMap,
  ObjectWithAccess,
  Progress,
  ProgressReport,
  RemoteInfo,
  Step,
  Summary,
  Text,
  Trail,
} from '../shapes.ts';

const text = Type.String();
const opt = Type.Optional;
const style = 'canonical' as const;
const read = { access: 'token', scopes: accepts.trails.read, style } as const;
const write = { access: 'token', scopes: accepts.trails.write, style } as const;
/** A state of a few thousand objects with inline documents fits; devices refuse answers above 2 MiB. */
const stateLimit = 4 * 1024 * 1024;

/** What is posted to make an object known, before its content is uploaded. */
export const NewObject = Type.Object({
  objectname: opt(text),
  size: opt(Type.Union([text, Type.Number()])),
  sizeint: opt(Type.Number()),
  sha256sum: opt(text),
  'mime-type': opt(text),
  id: opt(text),
});

/** `/trails` (hub-api §6). */
export const trailRoutes = {
  list: define({
    ...read,
    id: 'trails.list',
    method: 'GET',
    path: '/trails/',
    summary: 'Trails of the caller, 1000 a page. X-Total-Count: how many there are',
    query: Type.Object({ 'page[size]': opt(text), 'page[offset]': opt(text) }),
    response: Type.Array(Trail),
  }),
  create: define({
    ...write,
    id: 'trails.create',
    method: 'POST',
    path: '/trails/',
    summary: 'Begin the trail of the calling device with its factory state',
    body: JsonMap,
    response: Trail,
    bodyLimit: stateLimit,
  }),
  summaries: define({
    ...read,
    id: 'trails.summaries',
    personal: true,
    method: 'GET',
    path: '/trails/summary',
    summary: 'What the devices of the caller are doing, newest first, 1000 a page. X-Total-Count: how many there are',
    query: Type.Object({ filter: opt(text), sort: opt(text), 'page[size]': opt(text), 'page[offset]': opt(text) }),
    response: Type.Array(Summary),
  }),
  get: define({ ...read, id: 'trails.get', method: 'GET', path: '/trails/:id', summary: 'One trail', response: Trail }),
  summary: define({
    ...read,
    id: 'trails.summary',
    method: 'GET',
    path: '/trails/:id/summary',
    summary: 'What one device is doing',
    response: Summary,
  }),
  remote: define({
    ...read,
    id: 'trails.remote',
    method: 'GET',
    path: '/trails/:id/.pvrremote',
    summary: 'Where pvr finds the newest revision',
    response: RemoteInfo,
  }),
  steps: define({
    ...read,
    id: 'trails.steps',
    method: 'GET',
    path: '/trails/:id/steps',
    summary:
      'Steps in ascending order, 1000 a page; a device gets the oldest one it has to work on. X-Total-Count: how many there are',
    query: Type.Object({
      'progress.status': opt(text),
      fields: opt(text),
      'page[size]': opt(text),
      'page[offset]': opt(text),
    }),
    response: Type.Array(Step),
  }),
  post: define({
    ...write,
    id: 'trails.post',
    method: 'POST',
    path: '/trails/:id/steps',
    summary: 'Post a new revision; rev -1 appends',
    query: Type.Object({ autolink: opt(text) }),
    body: Type.Object({
      rev: opt(Type.Integer()),
      'commit-msg': opt(text),
      state: opt(JsonMap),
      meta: opt(JsonMap),
    }),
    response: Step,
    bodyLimit: stateLimit,
  }),
  step: define({
    ...read,
    id: 'trails.step',
    method: 'GET',
    path: '/trails/:id/steps/:rev',
    summary: 'One step',
    query: Type.Object({ fields: opt(text) }),
    response: Step,
  }),
  stepRemote: define({
    ...read,
    id: 'trails.stepRemote',
    method: 'GET',
    path: '/trails/:id/steps/:rev/.pvrremote',
    summary: 'Where pvr finds this revision',
    response: RemoteInfo,
  }),
  state: define({
    ...read,
    id: 'trails.state',
    method: 'GET',
    path: '/trails/:id/steps/:rev/state',
    summary: 'The state of a revision',
    response: JsonMap,
  }),
  putState: define({
    ...write,
    id: 'trails.putState',
    method: 'PUT',
    path: '/trails/:id/steps/:rev/state',
    summary: 'Replace the state of a revision no device has begun with',
    body: JsonMap,
    response: JsonMap,
    bodyLimit: stateLimit,
  }),
  meta: define({
    ...read,
    id: 'trails.meta',
    method: 'GET',
    path: '/trails/:id/steps/:rev/meta',
    summary: 'Notes on a revision',
    response: JsonMap,
  }),
  putMeta: define({
    ...write,
    id: 'trails.putMeta',
    method: 'PUT',
    path: '/trails/:id/steps/:rev/meta',
    summary: 'Replace the notes on a revision',
    body: JsonMap,
    response: JsonMap,
  }),
  putProgress: define({
    ...write,
    id: 'trails.putProgress',
    method: 'PUT',
    path: '/trails/:id/steps/:rev/progress',
    summary: 'Report progress (the device)',
    body: JsonMap,
    response: Progress,
  }),
  reports: define({
    ...read,
    id: 'trails.reports',
    method: 'GET',
    path: '/trails/:id/steps/:rev/reports',
    summary: 'Every progress report of a revision whose status or message was new, oldest first',
    response: Type.Array(ProgressReport),
  }),
  cancel: define({
    ...write,
    id: 'trails.cancel',
    method: 'PUT',
    path: '/trails/:id/steps/:rev/cancel',
    summary: 'Take back a step that is still NEW',
    body: Anything,
    bodyOptional: true,
    response: Progress,
  }),
  wontgo: define({
    ...write,
    id: 'trails.wontgo',
    method: 'PUT',
    path: '/trails/:id/steps/:rev/wontgo',
    summary: 'Give up a step that hangs INPROGRESS',
    body: Anything,
    bodyOptional: true,
    response: Progress,
  }),
  objects: define({
    ...read,
    id: 'trails.objects',
    method: 'GET',
    path: '/trails/:id/steps/:rev/objects',
    summary: 'The objects of a revision with addresses to fetch them',
    response: Type.Array(ObjectWithAccess),
  }),
  postObject: define({
    ...write,
    id: 'trails.postObject',
    method: 'POST',
    path: '/trails/:id/steps/:rev/objects',
    summary: 'Make an object known before uploading it',
    query: Type.Object({ autolink: opt(text) }),
    body: NewObject,
    response: ObjectWithAccess,
  }),
  object: define({
    ...read,
    id: 'trails.object',
    method: 'GET',
    path: '/trails/:id/steps/:rev/objects/:sha',
    summary: 'One object of a revision',
    response: ObjectWithAccess,
  }),
  objectBlob: define({
    ...read,
    id: 'trails.objectBlob',
    method: 'GET',
    path: '/trails/:id/steps/:rev/objects/:sha/blob',
    summary: 'Redirect to the content of an object',
    response: Text,
    style: 'raw',
  }),
};

/** Short addresses of devices for `pvr clone user/device[/rev]` (hub-api §6.6). */
export const cloneRoutes = {
  device: define({
    ...read,
    id: 'clone.device',
    method: 'GET',
    path: '/:usernick/:devicenick/.pvrremote',
    summary: 'Where pvr finds the newest revision of a device, by nicks',
    response: RemoteInfo,
  }),
  step: define({
    ...read,
    id: 'clone.step',
    method: 'GET',
    path: '/:usernick/:devicenick/:rev/.pvrremote',
    summary: 'Where pvr finds a revision of a device, by nicks',
    response: RemoteInfo,
  }),
};
