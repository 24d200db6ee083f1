import Type from 'typebox';
import { define } from '../route.ts';
import { accepts } from '../scopes.ts';
import { ObjectRecord, ObjectWithAccess, Text } from '../shapes.ts';
import { NewObject } from './trails.ts';

const read = { access: 'token', scopes: accepts.objects.read } as const;
const write = { access: 'token', scopes: accepts.objects.write } as const;

/** `/objects` and the signed addresses of their content (hub-api §7). */
export const objectRoutes = {
  create: define({
    ...write,
    id: 'objects.create',
    method: 'POST',
    path: '/objects/',
    summary: 'Make an object known; 409 means that the hub has its content already',
    query: Type.Object({ autolink: Type.Optional(Type.String()) }),
    body: NewObject,
    response: ObjectWithAccess,
  }),
  list: define({
    ...read,
    id: 'objects.list',
    method: 'GET',
    path: '/objects/',
    summary: 'Objects of the caller, oldest first, 1000 a page. X-Total-Count: how many there are',
    query: Type.Object({ 'page[size]': Type.Optional(Type.String()), 'page[offset]': Type.Optional(Type.String()) }),
    response: Type.Array(ObjectRecord),
  }),
  get: define({
    ...read,
    id: 'objects.get',
    method: 'GET',
    path: '/objects/:sha',
    summary: 'One object with signed addresses',
    response: ObjectWithAccess,
  }),
  blob: define({
    ...read,
    id: 'objects.blob',
    method: 'GET',
    path: '/objects/:sha/blob',
    summary: 'Redirect to the content',
    response: Text,
    style: 'raw',
  }),
  put: define({
    ...write,
    id: 'objects.put',
    method: 'PUT',
    path: '/objects/:sha',
    summary: 'Give an object another name',
    body: Type.Object({ owner: Type.String(), sha256sum: Type.String(), objectname: Type.Optional(Type.String()) }),
    response: ObjectRecord,
  }),
  remove: define({
    ...write,
    id: 'objects.remove',
    method: 'DELETE',
    path: '/objects/:sha',
    summary: 'Forget an object that no revision uses',
    response: ObjectRecord,
  }),
};

const signedRoute = (mount: 'local-s3' | 's3', method: 'GET' | 'PUT') =>
  define({
    id: `blobs.${method.toLowerCase()}.${mount}`,
    method,
    path: `/${mount}/:token`,
    summary: method === 'GET' ? 'Content of an object' : 'Upload the content of an object',
    access: 'signed',
    response: Text,
    style: 'raw',
  });

export const blobRoutes = {
  get: signedRoute('local-s3', 'GET'),
  put: signedRoute('local-s3', 'PUT'),
  getAlias: signedRoute('s3', 'GET'),
  putAlias: signedRoute('s3', 'PUT'),
};
