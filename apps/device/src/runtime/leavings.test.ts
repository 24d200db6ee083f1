/** What stops and crashes leave on the machine: nothing, however a container ends. Whole devices, in virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryHostOptions } from '../host/memory/host.ts';
import { MemoryDevice, memoryRevision } from './testing/memory-device.ts';

const timeout = 20_000;
const restartable = { group: 'app', restart_policy: 'container' };
const groups = [{ name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 30 }];

/** A device with one container; notes each call that ends a container or a mount, in order, until it is stopped. */
async function install(containers: MemoryHostOptions['containers'], run: Record<string, unknown> = {}) {
  const device = await MemoryDevice.install(
    (host) => memoryRevision(host, [{ name: 'web', run: { ...restartable, ...run } }], { 'groups.json': groups }),
    { ...(containers === undefined ? {} : { containers }) },
  );
  await device.ready();
  const calls: string[] = [];
  const { containers: runtime, mounts, machine } = device.host;
  const [kill, unmount] = [runtime.kill, mounts.unmount];
  const isAlive = () => [...machine.containers.values()].some(({ exit }) => exit === undefined);
  runtime.kill = (container) => {
    calls.push('kill');
    return kill(container);
  };
  mounts.unmount = (target, options) => {
    if (target.includes('/volumes/')) calls.push(isAlive() ? 'unmount under a running container' : 'unmount');
    return unmount(target, options);
  };
  return { device, calls };
}

/** @returns milliseconds until it was stopped */
const stop = async ({ device }: Awaited<ReturnType<typeof install>>): Promise<number> => {
  const { clock } = device.host;
  const begin = clock.monotonic();
  assert.equal((await device.request('PUT', '/containers/web', '{"action":"stop"}')).status, 200);
  await device.line(/web STOPPING -> STOPPED/);
  const took = clock.monotonic() - begin;
  // It is tidied up once it has stopped.
  await device.host.advance(1000);
  return took;
};

test('fifty crashes that are recovered leave no more mounts and control groups than none', { timeout }, async () => {
  const auto_recovery = { policy: 'always', max_retries: 100, retry_delay: 1, backoff_policy: 'never' };
  const { device } = await install(
    { web: ({ run }) => (run > 1 && run <= 51 ? { endsAfter: 20, exit: { kind: 'code', code: 1 } } : {}) },
    { auto_recovery },
  );
  const { machine, mounts } = device.host;
  const before = [(await mounts.list()).length, machine.controlGroups.size];
  for (const { end } of machine.containers.values()) end({ kind: 'code', code: 1 });
  await device.host.runUntil(() => machine.starts.get('web') === 52);
  await device.host.advance(60_000);
  assert.equal((await device.statuses()).web, 'STARTED');
  assert.deepEqual([(await mounts.list()).length, machine.controlGroups.size], before);
  assert.equal(await device.stop(), 0);
});

test('a container that ignores the halt signal is killed before its volumes are unmounted', { timeout }, async () => {
  const place = await install({ web: { ignoresHalt: true } });
  await stop(place);
  assert.deepEqual(place.calls.slice(0, 2), ['kill', 'unmount']);
  assert.ok(!place.calls.includes('unmount under a running container'));
  assert.equal(place.device.host.machine.controlGroups.size, 0);
});

test('a container that leaves on the halt signal is not killed, and nobody waits for the grace time', {
  timeout,
}, async () => {
  const place = await install({ web: { stopTakes: 100 } });
  const { machine } = place.device.host;
  const took = await stop(place);
  assert.ok(took < 1000, `${took} ms`);
  assert.deepEqual(new Set(place.calls), new Set(['unmount']));
  assert.equal(machine.controlGroups.size, 0);
});
