import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import type { MemoryProgram } from '../host/memory/machine.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { Daemons, respawnDelay } from './daemons.ts';

const binary = '/usr/bin/daemon';
const ownSpec = { name: 'own', binary: '/nowhere', arguments: [], modes: ['appengine'], onDemand: true } as const;
const specs = [
  { name: 'daemon', binary, arguments: ['-f'], modes: ['embedded', 'appengine'] },
  { name: 'other', binary: '/usr/bin/other', arguments: [], modes: ['embedded'] },
] as const;

/** A program that runs until it is told to end. */
function endless() {
  const ends: (() => void)[] = [];
  const program: MemoryProgram = () => new Promise((resolve) => ends.push(() => resolve({ code: 3 })));
  return { program, starts: () => ends.length, end: () => ends.at(-1)?.() };
}

async function machine() {
  const daemon = endless();
  const lines: string[] = [];
  const host = createMemoryHost({ programs: { [binary]: daemon.program, '/usr/bin/other': daemon.program } });
  await makeDirectories(host.files, '/usr/bin');
  for (const path of [binary, '/usr/bin/other']) await host.files.write(path, '', { mode: 0o755 });
  const log = (level: string, source: string, message: string) => void lines.push(`${level} ${source} ${message}`);
  const daemons = new Daemons({ host, specs, mode: 'appengine', notes: '/run/daemons', log });
  return { host, daemon, daemons, lines };
}

test('a daemon is started when its program is there and the mode is one of its own', async () => {
  const { daemons, daemon } = await machine();
  await daemons.open();
  const [first, second] = daemons.list();
  assert.ok(first !== undefined && first.pid > 0 && first.respawn);
  assert.deepEqual(second, { name: 'other', pid: 0, respawn: false });
  assert.equal(daemon.starts(), 1);
});

test('a device without the program does without', async () => {
  const { host, daemons, daemon } = await machine();
  await host.files.unlink(binary);
  await daemons.open();
  assert.deepEqual(daemons.list()[0], { name: 'daemon', pid: 0, respawn: false });
  assert.equal(daemon.starts(), 0);
});

test('a daemon that ends comes back after five seconds, again and again', async () => {
  const { host, daemons, daemon } = await machine();
  await daemons.open();
  for (let round = 1; round <= 3; round += 1) {
    daemon.end();
    await host.settle();
    assert.deepEqual(daemons.list()[0], { name: 'daemon', pid: 0, respawn: true });
    await host.advance(respawnDelay - 1);
    assert.equal(daemon.starts(), round);
    await host.advance(1);
    assert.equal(daemon.starts(), round + 1);
  }
});

test('a stopped daemon stays away until it is started again', async () => {
  const { host, daemons, daemon } = await machine();
  await daemons.open();
  daemons.stop('daemon');
  await host.settle();
  assert.deepEqual(daemons.list()[0], { name: 'daemon', pid: -1, respawn: false });
  assert.ok(await host.runUntilIdle());
  daemons.start('daemon');
  daemons.start('daemon');
  assert.equal(daemons.list()[0]?.respawn, true);
  await host.advance(respawnDelay);
  assert.equal(daemon.starts(), 2);
  daemons.start('daemon');
  assert.ok(await host.runUntilIdle());
  assert.equal(daemon.starts(), 2);
});

test('a stop while the daemon waits to come back keeps it away', async () => {
  const { host, daemons, daemon } = await machine();
  await daemons.open();
  daemon.end();
  await host.settle();
  daemons.stop('daemon');
  assert.deepEqual(daemons.list()[0], { name: 'daemon', pid: -1, respawn: false });
  assert.ok(await host.runUntilIdle());
  assert.equal(daemon.starts(), 1);
});

test('a daemon of the runtime runs while it is needed; what a person has stopped or started stays so', async () => {
  const daemon = endless();
  const host = createMemoryHost({ programs: { own: daemon.program } });
  const own = { own: { program: '/proc/self/exe', argv: ['own', 'socket'] } };
  const daemons = new Daemons({ host, specs: [ownSpec], mode: 'appengine', own, notes: '/run/daemons', log: () => {} });
  await daemons.open();
  const first = () => daemons.list()[0];
  assert.deepEqual(first(), { name: 'own', pid: 0, respawn: true });
  daemons.need('own', true);
  daemons.need('own', true);
  await host.advance(0);
  assert.ok((first()?.pid ?? 0) > 0);
  assert.equal(daemon.starts(), 1);
  daemons.signal('own', 'SIGWINCH');
  daemons.need('own', false);
  assert.ok(await host.runUntilIdle());
  assert.deepEqual(first(), { name: 'own', pid: 0, respawn: true });
  daemons.stop('own');
  daemons.need('own', true);
  assert.ok(await host.runUntilIdle());
  assert.deepEqual(first(), { name: 'own', pid: -1, respawn: false });
  daemons.start('own');
  await host.advance(respawnDelay);
  assert.equal(daemon.starts(), 2);
  assert.equal(first()?.respawn, true);
});

test('closing ends all and starts none', async () => {
  const { host, daemons, daemon } = await machine();
  await daemons.open();
  await host.runFor(daemons.close());
  assert.equal(daemons.list()[0]?.pid, -1);
  daemons.start('daemon');
  assert.ok(await host.runUntilIdle());
  assert.equal(daemon.starts(), 1);
});
