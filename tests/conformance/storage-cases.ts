/** Cases for `/objects`, `/steps`, `/commands`, `/storage/gc` (control.md §5). */
import { createHash } from 'node:crypto';
import * as shapes from '@pantavisor/ctrl-api/shapes';
import { type Case, refusal } from './case.ts';

const content = 'an object of the conformance suite\n';
const sha256 = createHash('sha256').update(content).digest('hex');
const otherSha256 = createHash('sha256').update('something else').digest('hex');
const emptySha256 = createHash('sha256').update('').digest('hex');
const badName = { status: 400, body: refusal('Request has bad object name') };
const step = 'locals/conformance-suite';
const state = '{"#spec":"pantavisor-service-system@1"}';
const missing = { status: 404, body: refusal('Resource does not exist') };
const command = (body: string) => ({ method: 'POST', target: '/commands', body });
const badCommand = { status: 400, body: refusal('Command has bad format') };

const objectCases: readonly Case[] = [
  { name: 'objects are listed', request: { method: 'GET', target: '/objects' }, expect: { body: shapes.objects } },
  {
    name: 'an object that is stored',
    request: { method: 'GET', target: '/objects/{object}' },
    expect: { type: 'application/octet-stream' },
  },
  {
    name: 'an object that is not there',
    request: { method: 'GET', target: `/objects/${otherSha256}` },
    expect: badName,
  },
  { name: 'an object with a short name', request: { method: 'GET', target: '/objects/abc' }, expect: badName },
  {
    name: 'an upload with a short name',
    request: { method: 'PUT', target: '/objects/abc', body: content },
    expect: badName,
  },
  {
    name: 'an upload under the name of other content',
    request: { method: 'PUT', target: `/objects/${otherSha256}`, body: content },
    expect: { status: 422, body: refusal('Object has bad checksum') },
  },
  { name: 'nothing of it is left', request: { method: 'GET', target: `/objects/${otherSha256}` }, expect: badName },
  {
    name: 'an upload',
    effect: 'changes',
    request: { method: 'PUT', target: `/objects/${sha256}`, body: content },
    expect: { body: '' },
  },
  {
    name: 'the same upload again',
    effect: 'changes',
    request: { method: 'PUT', target: `/objects/${sha256}`, body: content },
    expect: { body: '' },
  },
  {
    name: 'other content under a name that is there already changes nothing',
    effect: 'changes',
    request: { method: 'PUT', target: `/objects/${sha256}`, body: 'damaged' },
    expect: { body: '' },
  },
  {
    name: 'what was uploaded can be had',
    effect: 'changes',
    request: { method: 'GET', target: `/objects/${sha256}` },
    expect: { type: 'application/octet-stream', body: content },
  },
  {
    name: 'an empty object',
    effect: 'changes',
    request: { method: 'PUT', target: `/objects/${emptySha256}`, body: '' },
    expect: { body: '' },
  },
];

const stepCases: readonly Case[] = [
  { name: 'steps are listed', request: { method: 'GET', target: '/steps' }, expect: { body: shapes.steps } },
  {
    name: 'the state of a revision',
    request: { method: 'GET', target: '/steps/{revision}' },
    expect: { body: /^\s*\{/ },
  },
  {
    name: 'a revision that is not there',
    request: { method: 'GET', target: '/steps/no-such-revision' },
    expect: missing,
  },
  {
    name: 'a local one that is not there',
    request: { method: 'GET', target: '/steps/locals/nothing' },
    expect: missing,
  },
  { name: 'no way out of the trails', request: { method: 'GET', target: '/steps/..' }, expect: missing },
  {
    name: 'progress of a revision that is not there',
    request: { method: 'GET', target: '/steps/no-such-revision/progress' },
    expect: missing,
  },
  {
    name: 'a revision that is not local cannot be put',
    request: { method: 'PUT', target: '/steps/7', body: state },
    expect: { status: 400, body: refusal('Method not supported for this endpoint') },
  },
  {
    name: 'a local name of 65 characters',
    request: { method: 'PUT', target: `/steps/locals/${'n'.repeat(65)}`, body: state },
    expect: { status: 400, body: refusal('Request has bas step name') },
  },
  {
    name: 'a state that is no JSON',
    request: { method: 'PUT', target: `/steps/${step}`, body: 'nonsense' },
    expect: { status: 422, body: refusal('Parser: State JSON has bad format') },
  },
  { name: 'nothing of it is left in the steps', request: { method: 'GET', target: `/steps/${step}` }, expect: missing },
  {
    name: 'a local revision',
    effect: 'changes',
    request: { method: 'PUT', target: `/steps/${step}`, body: state },
    expect: { body: '' },
  },
  {
    name: 'its state, byte by byte',
    effect: 'changes',
    request: { method: 'GET', target: `/steps/${step}` },
    expect: { body: state },
  },
  {
    name: 'its progress',
    effect: 'changes',
    request: { method: 'GET', target: `/steps/${step}/progress` },
    expect: { body: '{"status":"NEW","status-msg":"Update ready to be run","progress":0,"retries":0}' },
  },
  {
    name: 'its commit message',
    effect: 'changes',
    request: { method: 'PUT', target: `/steps/${step}/commitmsg`, body: 'said "so"\nand so' },
    expect: { body: '' },
  },
  {
    name: 'the message in the list, escaped',
    effect: 'changes',
    request: { method: 'GET', target: '/steps' },
    expect: {
      body: /"name":"locals\/conformance-suite", "date":"[^"]+", "commitmsg":"said \\u0022so\\u0022\\u000Aand so", /,
    },
  },
  {
    name: 'the commit message of a revision that is not local',
    effect: 'changes',
    request: { method: 'PUT', target: '/steps/{revision}/commitmsg', body: 'from the conformance suite' },
    expect: { body: '' },
  },
  {
    name: 'an empty commit message',
    request: { method: 'PUT', target: `/steps/${step}/commitmsg`, body: '' },
    expect: { status: 400, body: refusal('No commit message') },
  },
  {
    name: 'a commit message that is too long',
    request: { method: 'PUT', target: `/steps/${step}/commitmsg`, body: 'm'.repeat(257) },
    expect: { status: 507, body: refusal('Not enough disk space available') },
  },
];

const commandCases: readonly Case[] = [
  { name: 'a command that is no JSON', request: command('RUN_GC'), expect: badCommand },
  { name: 'an empty command', request: command(''), expect: badCommand },
  { name: 'a command without a payload', request: command('{"op":"RUN_GC"}'), expect: badCommand },
  { name: 'an unknown command', request: command('{"op":"EXPLODE","payload":""}'), expect: badCommand },
  {
    name: 'the beginning of a command is no command',
    request: command('{"op":"REBOOT","payload":""}'),
    expect: badCommand,
  },
  { name: 'an empty operation', request: command('{"op":"","payload":""}'), expect: badCommand },
  {
    name: 'garbage collection as a command',
    effect: 'disrupts',
    request: command('{"op":"RUN_GC","payload":""}'),
    expect: { body: '' },
  },
  {
    name: 'garbage collection, with the bytes freed',
    effect: 'disrupts',
    request: { method: 'POST', target: '/storage/gc' },
    expect: { body: /^\{"reclaimed": \d+\}$/ },
  },
];

export const storageCases: readonly Case[] = [...objectCases, ...stepCases, ...commandCases];
