/** The runtime may die and come back: containers go on, are taken over as they are, and nothing is there twice. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { type DeviceRun, TestDevice } from '../harness/device.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer, slowReadyContainer, writeRevision } from '../harness/revision.ts';

const options = { skip: await skipWithoutContainers(), timeout: 240_000 };

async function killHard(run: DeviceRun): Promise<void> {
  run.signal('SIGKILL');
  await run.exited;
}

const mountsOf = (device: TestDevice) =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(device.base));

test(
  'kill -9: running containers are taken over with their init and uptime, nothing is mounted twice',
  options,
  async (t) => {
    const device = new TestDevice(t);
    const recipes = [probeContainer('a'), slowReadyContainer(0), probeContainer('deaf', ['stubborn'])];
    const revision = await writeRevision(temporaryDirectory(t), recipes);
    const first = device.start(revision);
    await first.ready();
    const before = await device.containers();
    const mounts = mountsOf(device);
    await killHard(first);
    assert.deepEqual(mountsOf(device), mounts, 'containers keep their volumes');

    const second = device.start();
    await second.ready();
    const identity = (all: typeof before) =>
      all.map(({ name, status, pid, started_at }) => ({ name, status, pid, started_at }));
    assert.deepEqual(identity(await device.containers()), identity(before));
    assert.deepEqual(mountsOf(device), mounts);
    assert.deepEqual(await second.stop(), { code: 0, signal: null });
    assert.deepEqual(device.traces(), []);
  },
);

test('a container taken over reaches the new runtime on its old socket path', options, async (t) => {
  const device = new TestDevice(t);
  const revision = await writeRevision(temporaryDirectory(t), [slowReadyContainer(86_400)]);
  const first = device.start(revision);
  await first.line(/slow-ready STARTING -> STARTED/);
  await killHard(first);
  const second = device.start();
  await second.line(/slow-ready NONE -> STARTED/);
  const signal = `pv-request POST /signal '{"type":"ready","payload":""}'`;
  execFileSync('lxc-attach', ['-n', 'slow-ready', '-P', `${device.base}/lxc`, '--', '/bin/sh', '-c', signal]);
  await second.ready();
  assert.equal((await device.container('slow-ready')).status, 'READY');
});

test(
  'what happened while no runtime was there is noticed: ended containers start anew, stopped ones stay stopped',
  options,
  async (t) => {
    const device = new TestDevice(t);
    const restartPolicy = 'container' as const;
    const names = ['ended', 'stopped', 'runs'];
    const revision = await writeRevision(
      temporaryDirectory(t),
      names.map((name) => probeContainer(name, ['init'], { restartPolicy })),
    );
    const first = device.start(revision);
    await first.ready();
    const before = Object.fromEntries((await device.containers()).map(({ name, pid }) => [name, pid]));
    await device.request('PUT', '/containers/stopped', '{"action":"stop"}');
    await first.line(/stopped STOPPING -> STOPPED/);
    await killHard(first);
    process.kill(before.ended ?? 0, 'SIGKILL');

    const second = device.start();
    await second.ready();
    const after = await device.containers();
    assert.deepEqual(
      after.map(({ name, status }) => `${name} ${status}`),
      ['ended STARTED', 'runs STARTED', 'stopped STOPPED'],
    );
    const pid = (name: string) => after.find((one) => one.name === name)?.pid;
    assert.notEqual(pid('ended'), before.ended);
    assert.equal(pid('runs'), before.runs);
    await second.stop();
    assert.deepEqual(device.traces(), []);
  },
);

test('a container that ends under the new runtime is seen to end, with its exit code', options, async (t) => {
  const device = new TestDevice(t);
  const revision = await writeRevision(temporaryDirectory(t), [
    probeContainer('a'),
    probeContainer('dies', ['crash', '7', '86400']),
  ]);
  const first = device.start(revision);
  await first.ready();
  await killHard(first);
  const second = device.start();
  await second.ready();
  const { pid } = await device.container('dies');
  process.kill(pid ?? 0, 'SIGTERM');
  await second.line(/dies (STARTED|READY) -> STOPPED/);
  assert.equal((await device.container('a')).status, 'STARTED');
});

test(
  'kill -9 at any moment of a start leaves nothing that the next runtime does not take over or away',
  options,
  async (t) => {
    const device = new TestDevice(t);
    const recipes = Array.from({ length: 4 }, (_, index) => probeContainer(`c${index}`));
    const revision = await writeRevision(temporaryDirectory(t), recipes);
    const moments = [/\[boot\]: revision/, /INSTALLED -> MOUNTED/, /c1 MOUNTED -> STARTING/, /c2 STARTING -> STARTED/];
    for (const [index, moment] of moments.entries()) {
      const run = device.start(index === 0 ? revision : undefined);
      await run.line(moment);
      await killHard(run);
      const next = device.start();
      await next.ready();
      assert.equal(new Set(mountsOf(device).map((line) => line.split(' ')[4])).size, mountsOf(device).length);
      for (const { status } of await device.containers()) assert.equal(status, 'STARTED');
      assert.equal((await next.stop()).code, 0);
      assert.deepEqual(device.traces(), []);
    }
  },
);
