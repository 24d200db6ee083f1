/** Cases for what every endpoint has in common: paths, methods, callers, the Host header (control.md §1 to §4). */
import { endpoints } from '@pantavisor/ctrl-api';
import { type Case, refusal } from './case.ts';

const unknown = (path: string): Case => ({
  name: `unknown endpoint ${path}`,
  request: { method: 'GET', target: path },
  expect: { status: 400, body: refusal(`unknown endpoint: ${path}`) },
});
const badMethod = (method: string, target: string): Case => ({
  name: `${method} ${target} is not supported`,
  request: { method, target },
  expect: { status: 400, body: refusal('Method not supported for this endpoint') },
});
const host = (value: string, expect: Case['expect']): Case => ({
  name: `Host ${JSON.stringify(value)}`,
  request: { method: 'GET', target: '/groups', headers: { host: value } },
  expect,
});
const library = (method: string): Case => ({
  name: `${method} is no method of this protocol`,
  request: { method, target: '/containers' },
  expect: { status: 501, type: 'text/html', body: '{"Error": "Unsupported protocol"}' },
});

const samples: Readonly<Record<string, string>> = {
  name: 'any-name',
  sha256: 'f'.repeat(64),
  revision: 'any-revision',
};

/** Every endpoint that only mgmt may use, asked by a container without the role: nothing but a refusal, whatever is there. */
const closedDoors: readonly Case[] = Object.values(endpoints)
  .filter(({ role }) => role === 'mgmt')
  .map(({ method, path }) => ({
    name: `${method} ${path} is not for containers without the role mgmt`,
    caller: 'nobody',
    request: {
      method,
      target: path.replace(/\{(\w+)\}/g, (_, name: string) => samples[name] ?? name),
      ...(method === 'GET' ? {} : { body: '{"action":"stop","op":"POWEROFF_DEVICE","payload":""}' }),
    },
    expect: { status: 403, body: refusal('Request not sent from a mgmt platform') },
  }));

export const routingCases: readonly Case[] = [
  unknown('/'),
  unknown('/container'),
  unknown('/containers/'),
  unknown('/containers/a/b'),
  unknown('/steps/locals/a/b'),
  unknown('/CONTAINERS'),
  unknown('/%63ontainers'),
  unknown('*'),
  badMethod('PUT', '/containers'),
  badMethod('GET', '/containers/any-name'),
  badMethod('POST', '/groups'),
  badMethod('DELETE', `/objects/${samples.sha256}`),
  badMethod('GET', '/signal'),
  badMethod('GET', '/commands'),
  library('PATCH'),
  library('OPTIONS'),
  library('TRACE'),
  host('localhost', {}),
  host('localhost:8080', {}),
  host('', {}),
  host('127.0.0.1', 'closed'),
  host('localhost.evil.example', 'closed'),
  host('localhost, localhost', 'closed'),
  ...closedDoors,
];
