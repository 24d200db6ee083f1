import Type from 'typebox';
import { define } from '../route.ts';
import { accepts } from '../scopes.ts';
import { Anything, ChangePage, LogPage, Ok, Text } from '../shapes.ts';

const text = Type.String();
const opt = Type.Optional;

export const LogQuery = Type.Object({
  start: opt(text),
  page: opt(text),
  dev: opt(text),
  rev: opt(text),
  plat: opt(text),
  src: opt(text),
  lvl: opt(text),
  after: opt(text),
  before: opt(text),
  sort: opt(text),
  cursor: opt(text),
  text: opt(Type.String({ description: 'part of the message, in any case' })),
  'after-id': opt(Type.String({ description: 'only entries stored after this one' })),
  'before-id': opt(Type.String({ description: 'only entries stored before this one' })),
});

const Cursor = Type.Object({ 'next-cursor': text });
const callers = ['USER', 'SESSION'] as const;
const read = { access: 'token', personal: true, callers, scopes: accepts.devices.read } as const;

/** `/logs` (hub-api §8). */
export const logRoutes = {
  post: define({
    id: 'logs.post',
    method: 'POST',
    path: '/logs/',
    summary:
      'Store one entry or an array of entries (the device). The header Pantahub-Log-Runs (<stream>:<first>:<count>, …) numbers them; those that are stored already are left out',
    access: 'token',
    personal: true,
    callers: ['DEVICE'],
    scopes: accepts.devices.write,
    body: Anything,
    response: Ok,
    bodyLimit: 4 * 1024 * 1024,
  }),
  list: define({
    ...read,
    id: 'logs.list',
    method: 'GET',
    path: '/logs/',
    summary: 'Log entries of the devices of the caller',
    query: LogQuery,
    response: LogPage,
  }),
  cursor: define({
    ...read,
    id: 'logs.cursor',
    method: 'POST',
    path: '/logs/cursor',
    summary: 'The next page',
    body: Cursor,
    response: LogPage,
  }),
  cursorGet: define({
    ...read,
    id: 'logs.cursorGet',
    method: 'GET',
    path: '/logs/cursor',
    summary: 'The next page',
    query: Type.Object({ 'next-cursor': opt(text) }),
    response: LogPage,
  }),
};

const ChangeQuery = Type.Object({ 'page[size]': opt(text), 'page[after]': opt(text), 'page[before]': opt(text) });

/** `/changes`: records by time of change (hub-api §15), and `/events/`: the same as it happens (server-sent events). */
export const changeRoutes = {
  devices: define({
    id: 'changes.devices',
    method: 'GET',
    path: '/changes/devices',
    summary: 'Devices by time of change',
    access: 'token',
    personal: true,
    callers,
    scopes: accepts.devices.read,
    query: ChangeQuery,
    response: ChangePage,
  }),
  steps: define({
    id: 'changes.steps',
    method: 'GET',
    path: '/changes/steps',
    summary: 'Steps by time of change',
    access: 'token',
    personal: true,
    callers,
    scopes: accepts.trails.read,
    query: ChangeQuery,
    response: ChangePage,
  }),
  trails: define({
    id: 'changes.trails',
    method: 'GET',
    path: '/changes/trails',
    summary: 'Trails by time of change',
    access: 'token',
    personal: true,
    callers,
    scopes: accepts.trails.read,
    query: ChangeQuery,
    response: ChangePage,
  }),
  events: define({
    id: 'events.stream',
    method: 'GET',
    path: '/events/',
    summary: 'Changes of devices, steps and logs as they happen, as server-sent events',
    access: 'token',
    personal: true,
    callers: ['USER', 'SESSION', 'DEVICE'],
    scopes: accepts.devices.read,
    query: Type.Object({
      topics: opt(Type.String({ description: 'comma list of device, step, log; default device,step' })),
      device: opt(Type.String({ description: 'only this device, 24 hex digits' })),
    }),
    response: Text,
    style: 'raw',
  }),
};
