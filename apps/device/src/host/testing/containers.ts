/** What every implementation of the port `ContainerRuntime` promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerRuntime, RunningContainer } from '../ports.ts';
import { type Fixture, on, refused, timeLimit } from './expectations.ts';

type StartRequest = Parameters<ContainerRuntime['start']>[0];

/** What the container's init does: runs until its halt signal and ends with 0; the same without heeding it; ends by itself. */
export type InitBehaviour = 'obeys' | 'ignores-halt' | 'ends-with-3';

export interface ContainersFixture extends Fixture {
  containers: ContainerRuntime;
  /** Makes all that a container needs, and gives the request that starts it. `refused`: with a configuration that LXC refuses. */
  prepare(name: string, init: InitBehaviour | 'refused'): Promise<StartRequest>;
  /** Waits until init has come so far that it heeds or ignores its halt signal; before that the kernel drops it for a process 1. */
  ready(container: RunningContainer): Promise<void>;
  /** The same machine seen by a runtime that has just started and knows nothing of the containers. */
  restarted(): Promise<ContainerRuntime>;
  /** Lets time pass until the promise is settled. */
  settle<Result>(promise: Promise<Result>): Promise<Result>;
}

/**
 * Registers the tests of the port `ContainerRuntime`.
 * @param name of the implementation
 * @param create a fresh fixture for each test; its `dispose` ends containers that a failed test left running
 */
export function testContainers(name: string, create: () => Promise<ContainersFixture>): void {
  const test = (title: string, body: (fixture: ContainersFixture) => Promise<void>) =>
    it(title, { timeout: timeLimit }, on(create, body));
  describe(`containers: ${name}`, () => {
    test('starts a container, finds it, halts it', async ({ containers, prepare, ready, settle }) => {
      const request = await prepare('web', 'obeys');
      assert.equal(await settle(containers.find('web', request.lxcPath)), undefined);
      const container = await settle(containers.start(request));
      assert.equal(container.name, 'web');
      assert.ok(container.initPid > 1 && container.monitorPid > 1 && container.initPid !== container.monitorPid);
      assert.deepEqual(await settle(containers.find('web', request.lxcPath)), container);
      const exited = containers.exited(container);
      await settle(ready(container));
      await settle(containers.signal(container, await settle(containers.haltSignal(container))));
      assert.deepEqual(await settle(exited), { kind: 'code', code: 0 });
      assert.equal(await settle(containers.find('web', request.lxcPath)), undefined);
    });
    test('tells the exit code of a container that ends by itself', async ({ containers, prepare, settle }) => {
      const container = await settle(containers.start(await prepare('job', 'ends-with-3')));
      assert.deepEqual(await settle(containers.exited(container)), { kind: 'code', code: 3 });
    });
    test('kills a container that ignores its halt signal', async ({ containers, prepare, ready, settle }) => {
      const container = await settle(containers.start(await prepare('deaf', 'ignores-halt')));
      await settle(ready(container));
      await settle(containers.signal(container, await settle(containers.haltSignal(container))));
      await settle(containers.kill(container));
      assert.deepEqual(await settle(containers.exited(container)), { kind: 'signal', signal: 'SIGKILL' });
    });
    test('does nothing to a container that has ended', async ({ containers, prepare, settle }) => {
      const container = await settle(containers.start(await prepare('gone', 'ends-with-3')));
      await settle(containers.exited(container));
      await settle(containers.signal(container, 'SIGTERM'));
      await settle(containers.kill(container));
      assert.equal(await settle(containers.memory(container)), undefined);
    });
    test('starts again under the same name', async ({ containers, prepare, settle }) => {
      const request = await prepare('again', 'obeys');
      const first = await settle(containers.start(request));
      await settle(containers.kill(first));
      await settle(containers.exited(first));
      const second = await settle(containers.start(request));
      assert.notEqual(second.initPid, first.initPid);
      await settle(containers.kill(second));
      assert.deepEqual(await settle(containers.exited(second)), { kind: 'signal', signal: 'SIGKILL' });
    });
    test('refuses to start a container twice', async ({ containers, prepare, settle }) => {
      const request = await prepare('twice', 'obeys');
      const container = await settle(containers.start(request));
      await refused(settle(containers.start(request)), 'LXC', 'twice');
      assert.deepEqual(await settle(containers.find('twice', request.lxcPath)), container);
      await settle(containers.kill(container));
      await settle(containers.exited(container));
    });
    test("refuses a start with LXC's own words", async ({ containers, prepare, settle }) => {
      const request = await prepare('broken', 'refused');
      const error = await refused(settle(containers.start(request)), 'LXC', 'broken');
      assert.ok(error.message.length > 'cannot start container broken: LXC'.length, error.message);
      assert.equal(await settle(containers.find('broken', request.lxcPath)), undefined);
    });
    test('gives a running container back to a new runtime', async ({ containers, prepare, restarted, settle }) => {
      const request = await prepare('kept', 'obeys');
      const container = await settle(containers.start(request));
      const later = await restarted();
      assert.equal(await settle(later.find('other', request.lxcPath)), undefined);
      assert.equal(await settle(later.find('kept', `${request.lxcPath}-other`)), undefined);
      const found = await settle(later.find('kept', request.lxcPath));
      assert.deepEqual(found, container);
      const exited = later.exited(container);
      await settle(later.kill(container));
      assert.deepEqual(await settle(exited), { kind: 'signal', signal: 'SIGKILL' });
      assert.equal(await settle(later.find('kept', request.lxcPath)), undefined);
    });
    test('starts many at once', async ({ containers, prepare, settle }) => {
      const names = Array.from({ length: 6 }, (_, index) => `many-${index}`);
      const requests = await Promise.all(names.map((each) => prepare(each, 'obeys')));
      const started = await settle(Promise.all(requests.map((request) => containers.start(request))));
      assert.equal(new Set(started.map(({ initPid }) => initPid)).size, names.length);
      await settle(Promise.all(started.map((container) => containers.kill(container))));
      const exits = await settle(Promise.all(started.map((container) => containers.exited(container))));
      assert.deepEqual(exits, Array(names.length).fill({ kind: 'signal', signal: 'SIGKILL' }));
    });
    test('has nothing to remove where no control group is', async ({ containers, settle }) => {
      await settle(containers.removeControlGroups('no-such-group/below'));
    });
  });
}
