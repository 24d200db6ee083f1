/** Cases for `/containers`, `/groups`, `/signal`, `/buildinfo`, `/config` (control.md §5). */
import * as shapes from '@pantavisor/ctrl-api/shapes';
import { type Case, refusal } from './case.ts';

const put = (body: string) => ({ method: 'PUT', target: '/containers/{container}', body });
const signal = (body: string) => ({ method: 'POST', target: '/signal', body });
const notExpected = { status: 500, body: refusal('Signal not expected from this platform') };
const badSignal = { status: 400, body: refusal('Signal has bad format') };

const running = ['STARTED', 'READY'] as const;

export const runningCases: readonly Case[] = [
  {
    name: 'containers are listed',
    request: { method: 'GET', target: '/containers' },
    expect: { body: shapes.containers },
  },
  {
    name: 'a query does not change the list',
    request: { method: 'GET', target: '/containers?x=y' },
    expect: { body: shapes.containers },
  },
  {
    name: 'a mgmt container may list containers',
    caller: 'mgmt',
    request: { method: 'GET', target: '/containers' },
    expect: { body: shapes.containers },
  },
  { name: 'groups are listed', request: { method: 'GET', target: '/groups' }, expect: { body: shapes.groups } },
  {
    name: 'build information is text',
    request: { method: 'GET', target: '/buildinfo' },
    expect: { type: 'text/plain' },
  },
  {
    name: 'a container that is not there',
    request: { method: 'PUT', target: '/containers/no-such-container', body: '{"action":"stop"}' },
    expect: { status: 404, body: refusal('Container not found') },
  },
  {
    name: 'a container of the system is protected',
    request: { method: 'PUT', target: '/containers/{systemContainer}', body: '{"action":"stop"}' },
    expect: {
      status: 403,
      body: refusal("Container has restart_policy 'system' and cannot be controlled via API"),
    },
  },
  { name: 'an action that is no JSON', request: put('stop'), expect: { status: 400, body: refusal('Invalid JSON') } },
  { name: 'an action in an array', request: put('["stop"]'), expect: { status: 400, body: refusal('Invalid JSON') } },
  { name: 'no body at all', request: put(''), expect: { status: 400, body: refusal('Invalid JSON') } },
  {
    name: 'no action',
    request: put('{"act":"stop"}'),
    expect: { status: 400, body: refusal("Missing 'action' field") },
  },
  {
    name: 'an unknown action',
    request: put('{"action":"pause"}'),
    expect: { status: 400, body: refusal("Invalid action. Use 'start', 'stop', or 'restart'") },
  },
  {
    name: 'an action that is too long',
    request: put(`{"action":"${'x'.repeat(1024)}"}`),
    expect: { status: 507, body: refusal('Not enough disk space available') },
  },
  {
    name: 'stop, which is answered at once',
    effect: 'changes',
    request: put('{"action":"stop"}'),
    expect: { body: '' },
  },
  { name: 'stop again', effect: 'changes', request: put('{"action":"stop"}'), expect: { body: '' } },
  { name: 'start', effect: 'changes', once: ['STOPPED'], request: put('{"action":"start"}'), expect: { body: '' } },
  {
    name: 'start again',
    effect: 'changes',
    once: running,
    request: put('{ "action" : "start" }'),
    expect: { body: '' },
  },
  { name: 'restart', effect: 'changes', once: running, request: put('{"action":"restart"}'), expect: { body: '' } },
  { name: 'a signal that is no JSON', request: signal('ready'), expect: badSignal },
  { name: 'a signal without a type', request: signal('{"payload":""}'), expect: badSignal },
  { name: 'an empty signal', request: signal(''), expect: badSignal },
  { name: 'a signal of the host itself', request: signal('{"type":"ready","payload":""}'), expect: notExpected },
  {
    name: 'the signal alive is not supported',
    caller: 'nobody',
    request: signal('{"type":"alive","payload":""}'),
    expect: notExpected,
  },
  {
    name: 'ready of a container that is waited for, from one without any rights',
    caller: 'nobody',
    effect: 'changes',
    request: signal('{"type":"ready","payload":""}'),
    expect: { body: '' },
  },
  {
    name: 'ready once more, without a payload',
    caller: 'nobody',
    effect: 'changes',
    request: signal('{"type":"ready"}'),
    expect: { body: '' },
  },
  {
    name: 'a signal that is too long',
    caller: 'nobody',
    request: signal(`{"type":"ready","payload":"${'x'.repeat(4096)}"}`),
    expect: { status: 507, body: refusal('Not enough disk space available') },
  },
  { name: 'configuration', request: { method: 'GET', target: '/config2' }, expect: { body: shapes.config } },
  {
    name: 'configuration by older names',
    request: { method: 'GET', target: '/config' },
    expect: { body: shapes.legacyConfig },
  },
];
