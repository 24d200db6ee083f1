import Type, { type Static } from 'typebox';
import { define } from '../route.ts';
import { accepts } from '../scopes.ts';
import { JsonMap, Time } from '../shapes.ts';

const opt = Type.Optional;

/** An image that the hub's operator offers. */
export const OfferedImage = Type.Object({
  name: Type.String({ description: 'name of the file' }),
  size: Type.Integer({ description: 'bytes' }),
  'time-modified': Time,
  pairs: Type.Boolean({ description: 'has a place for a join token' }),
});
export type OfferedImage = Static<typeof OfferedImage>;

const mine = {
  access: 'token',
  personal: true,
  callers: ['USER', 'SESSION', 'ADMIN'],
  scopes: accepts.everything,
} as const;

/** `/images`: images of devices, as they are or with a join token in them. */
export const imageRoutes = {
  list: define({
    ...mine,
    id: 'images.list',
    method: 'GET',
    path: '/images/',
    summary: 'Images that this hub offers',
    response: Type.Array(OfferedImage),
  }),
  prepare: define({
    ...mine,
    id: 'images.prepare',
    method: 'POST',
    path: '/images/:filename',
    summary: 'Address of an image for a download, good for some minutes; with pair a join token of the caller is in it',
    body: Type.Object({ pair: opt(Type.Boolean()), 'default-user-meta': opt(JsonMap) }),
    bodyOptional: true,
    response: Type.Object({
      address: Type.String({ description: 'path and query on this hub' }),
      'join-token': opt(Type.String({ description: 'nick of the token that was made' })),
    }),
  }),
  get: define({
    id: 'images.get',
    method: 'GET',
    path: '/images/:filename',
    summary: 'An image, for whoever has an address of it',
    access: 'open',
    query: Type.Object({ ticket: opt(Type.String()) }),
    response: Type.String(),
    style: 'raw',
  }),
};
