/** The conformance suite against a real device, with callers on the host and in the control groups of its containers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atEnd, temporaryDirectory } from '../harness/cleanup.ts';
import { TestDevice } from '../harness/device.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer, slowReadyContainer, writeRevision } from '../harness/revision.ts';
import type { CallerRole, Target } from './case.ts';
import { ContainerCaller } from './container-caller.ts';
import { sendOver } from './socket-target.ts';
import { runCases, runWireCases } from './suite.ts';

const options = { skip: await skipWithoutContainers(), timeout: 180_000 };

test('a real device, from the host and from containers with and without the role mgmt', options, async (t) => {
  const device = new TestDevice(t);
  const revision = await writeRevision(temporaryDirectory(t), [
    probeContainer('app', ['init'], { group: 'app', restartPolicy: 'container' }),
    probeContainer('manager', ['init'], { group: 'platform', role: 'mgmt' }),
    slowReadyContainer(86_400),
  ]);
  const run = device.start(revision);
  await run.line(/slow-ready STARTING -> STARTED/);
  const pidOf = async (name: string) => (await device.container(name)).pid ?? 0;
  const callers = {
    mgmt: new ContainerCaller(device.socket, await pidOf('manager')),
    nobody: new ContainerCaller(device.socket, await pidOf('slow-ready')),
  };
  atEnd(t, async () => {
    await Promise.all(Object.values(callers).map((caller) => caller.end()));
  });
  const target: Target = {
    roles: ['host', 'mgmt', 'nobody'],
    allows: 'changes',
    send: (caller: CallerRole, request) =>
      caller === 'host' ? sendOver(device.socket, request) : callers[caller].send(request),
  };
  assert.ok((await runCases(t, target)) > 100);
  await runWireCases(t, device.socket);
  assert.equal((await device.container('slow-ready')).status, 'READY');
  await Promise.all(Object.values(callers).map((caller) => caller.end()));
  assert.equal((await run.stop()).code, 0);
  assert.deepEqual(device.traces(), []);
});
