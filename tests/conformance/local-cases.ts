/** Cases for `/user-meta`, `/device-meta`, `/drivers`, `/daemons`, `/wakelocks` (control.md §5). */
import * as shapes from '@pantavisor/ctrl-api/shapes';
import { type Case, refusal } from './case.ts';

const longest = 4096;
const noSpace = { status: 507, body: refusal('Not enough disk space available') };

/** The two kinds of metadata differ in nothing but their names. */
function metadataCases(kind: 'user' | 'device'): Case[] {
  const path = `/${kind}-meta`;
  const key = `${path}/conformance.key`;
  const title = kind === 'user' ? 'User' : 'Device';
  const bad = { status: 400, body: refusal(`Cannot add or update ${kind} meta`) };
  const put = (body: string, target = key) => ({ method: 'PUT', target, body });
  const list = { method: 'GET', target: path };
  return [
    { name: `${kind} metadata is an object`, request: list, expect: { body: shapes.metadata } },
    { name: `${kind} metadata for a mgmt container`, caller: 'mgmt', request: list, expect: { body: shapes.metadata } },
    {
      name: `${kind} metadata that is not there`,
      request: { method: 'DELETE', target: `${path}/no-such-key` },
      expect: { status: 404, body: refusal(`${title} meta does not exist`) },
    },
    { name: `${kind} metadata is set`, effect: 'changes', request: put('green'), expect: { body: '' } },
    {
      name: `${kind} metadata is there`,
      effect: 'changes',
      request: list,
      expect: { body: /[{,]"conformance.key":"green"[,}]/ },
    },
    {
      name: `${kind} metadata is set to the same again`,
      effect: 'changes',
      request: put('green'),
      expect: { body: '' },
    },
    { name: `${kind} metadata is set to JSON`, effect: 'changes', request: put('{"a": [1]}'), expect: { body: '' } },
    {
      name: `${kind} metadata of JSON is shown as it is`,
      effect: 'changes',
      request: list,
      expect: { body: /"conformance.key":\{"a": \[1\]\}/ },
    },
    { name: `${kind} metadata is set to a number`, effect: 'changes', request: put('12'), expect: { body: '' } },
    {
      name: `${kind} metadata of a number is text`,
      effect: 'changes',
      request: list,
      expect: { body: /"conformance.key":"12"/ },
    },
    { name: `${kind} metadata with quotes`, effect: 'changes', request: put('a"b\\c\n'), expect: { body: '' } },
    {
      name: `${kind} metadata is escaped`,
      effect: 'changes',
      request: list,
      expect: { body: /"conformance.key":"a\\u0022b\\u005Cc\\u000A"/ },
    },
    { name: `${kind} metadata without a value`, request: put(''), expect: bad },
    {
      name: `${kind} metadata of ${longest} bytes`,
      effect: 'changes',
      request: put('x'.repeat(longest)),
      expect: { body: '' },
    },
    { name: `${kind} metadata of ${longest + 1} bytes`, request: put('x'.repeat(longest + 1)), expect: noSpace },
    { name: `${kind} metadata under a hidden name`, request: put('x', `${path}/.hidden`), expect: bad },
    { name: `${kind} metadata under the name of a directory`, request: put('x', `${path}/..`), expect: bad },
    {
      name: `one key of ${kind} metadata cannot be read`,
      request: { method: 'GET', target: key },
      expect: { status: 400, body: refusal('Method not supported for this endpoint') },
    },
    {
      name: `${kind} metadata is removed`,
      effect: 'changes',
      request: { method: 'DELETE', target: key },
      expect: { body: '' },
    },
    {
      name: `${kind} metadata is gone`,
      effect: 'changes',
      request: { method: 'DELETE', target: key },
      expect: { status: 404, body: refusal(`${title} meta does not exist`) },
    },
  ];
}

const driverChanges = [
  '/drivers/load',
  '/drivers/unload',
  '/drivers/no-such-driver/load',
  '/drivers/no-such-driver/unload',
];
const daemon = (body: string) => ({ method: 'PUT', target: '/daemons/pv-xconnect', body });

export const localCases: readonly Case[] = [
  ...metadataCases('user'),
  ...metadataCases('device'),
  { name: 'drivers of nobody', request: { method: 'GET', target: '/drivers' }, expect: { body: '{}' } },
  {
    name: 'drivers of a container',
    caller: 'mgmt',
    request: { method: 'GET', target: '/drivers' },
    expect: { body: shapes.drivers },
  },
  ...driverChanges.map(
    (target): Case => ({ name: `PUT ${target} of nobody`, request: { method: 'PUT', target }, expect: { body: '' } }),
  ),
  {
    name: 'the graph of services',
    request: { method: 'GET', target: '/xconnect-graph' },
    expect: { body: shapes.graph },
  },
  { name: 'daemons are listed', request: { method: 'GET', target: '/daemons' }, expect: { body: shapes.daemons } },
  {
    name: 'a daemon that is not there',
    request: { method: 'PUT', target: '/daemons/no-such-daemon', body: '{"action":"stop"}' },
    expect: { status: 404, body: refusal('Daemon not found') },
  },
  { name: 'a daemon without a body', request: daemon(''), expect: { status: 400, body: refusal('No data') } },
  { name: 'a daemon and no JSON', request: daemon('stop'), expect: { status: 400, body: refusal('Invalid JSON') } },
  { name: 'a daemon and an unknown action', request: daemon('{"action":"dance"}'), expect: { body: '' } },
  { name: 'a daemon is stopped', effect: 'changes', request: daemon('{"action":"stop"}'), expect: { body: '' } },
  {
    name: 'a stopped daemon is not started again',
    effect: 'changes',
    request: { method: 'GET', target: '/daemons' },
    expect: { body: /"name":"pv-xconnect","pid":-1,"respawn":false/ },
  },
  { name: 'a daemon is started', effect: 'changes', request: daemon('{"action":"start"}'), expect: { body: '' } },
  { name: 'wake locks', request: { method: 'GET', target: '/wakelocks' }, expect: { body: shapes.wakeLocks } },
];
