import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { haltInit, hears } from './halt.ts';

const status = (caught: bigint, blocked = 0n) => {
  const hex = (mask: bigint) => mask.toString(16).padStart(16, '0');
  return `Name:\tinit\nSigBlk:\t${hex(blocked)}\nSigIgn:\t0000000000000000\nSigCgt:\t${hex(caught)}\n`;
};
const bit = (number: number) => 1n << BigInt(number - 1);

test('a signal is heard by a handler or a mask, and by whom nothing is known of', () => {
  assert.ok(hears(status(bit(30)), 'SIGPWR'));
  assert.ok(hears(status(0n, bit(37)), 'SIGRTMIN+3'));
  assert.ok(!hears(status(bit(15)), 'SIGPWR'));
  assert.ok(hears('', 'SIGPWR'));
  assert.ok(hears(status(0n), 'SIGSYS'));
});

test('an init without a handler is asked again until it has one, and no more then', async () => {
  const host = createMemoryHost();
  const { files, clock } = host;
  const running = { name: 'a', initPid: 77, monitorPid: 76 };
  await makeDirectories(files, '/proc/77');
  await files.write('/proc/77/status', status(0n));
  const sent: string[] = [];
  const containers = {
    ...host.containers,
    haltSignal: async () => 'SIGPWR',
    signal: async (_: unknown, signal: string) => {
      sent.push(signal);
      if (sent.length === 2) await files.write('/proc/77/status', status(bit(30)));
    },
  };
  await host.runFor(haltInit({ files, clock, containers }, running, undefined, () => false));
  assert.deepEqual(sent, ['SIGPWR', 'SIGPWR', 'SIGPWR']);
});
