import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError, type RunningContainer } from '../ports.ts';
import { createMemoryHost, type MemoryHost, type MemoryHostOptions } from './host.ts';
import { makeMemoryImage } from './images.ts';
import { MemoryExit } from './system.ts';

const isCode = (code: string) => (error: unknown) => error instanceof HostError && error.code === code;

async function startApp(host: MemoryHost): Promise<RunningContainer> {
  await host.files.write('/app.conf', 'lxc.cgroup.dir.container = pv/app\n');
  return host.runFor(
    host.containers.start({
      name: 'app',
      lxcPath: '/lxc',
      configFile: '/app.conf',
      logFile: '/app.log',
      logLevel: 'INFO',
      environment: {},
    }),
  );
}

test('timers fire in order and time jumps to them', async () => {
  const host = createMemoryHost();
  const seen: string[] = [];
  host.clock.after(20, () => seen.push(`b${host.clock.monotonic()}`));
  host.clock.after(10, () => {
    seen.push(`a${host.clock.monotonic()}`);
    host.clock.after(5, () => seen.push(`c${host.clock.monotonic()}`));
  });
  host.clock.after(1, () => seen.push('never'))();
  await host.advance(12);
  assert.deepEqual(seen, ['a10']);
  assert.equal(host.clock.monotonic(), 12);
  assert.ok(await host.runUntilIdle());
  assert.deepEqual(seen, ['a10', 'c15', 'b20']);
});

test('a container ends on its halt signal, unless its script ignores it', async () => {
  const host = createMemoryHost({ containers: { app: ({ run }) => ({ ignoresHalt: run === 2 }) } });
  const first = await startApp(host);
  const exit = host.containers.exited(first);
  await host.containers.signal(first, await host.containers.haltSignal(first));
  assert.deepEqual(await host.runFor(exit), { kind: 'code', code: 0 });
  const second = await startApp(host);
  await host.containers.signal(second, 'SIGPWR');
  await host.advance(60_000);
  assert.deepEqual(await host.containers.find('app', '/lxc'), second);
  const killed = host.containers.exited(second);
  await host.containers.kill(second);
  assert.deepEqual(await host.runFor(killed), { kind: 'signal', signal: 'SIGKILL' });
  assert.equal(await host.containers.find('app', '/lxc'), undefined);
});

test('a refused container says why', async () => {
  const host = createMemoryHost({ containers: { app: { fails: 'Failed to mount rootfs' } } });
  await assert.rejects(startApp(host), /cannot start container app: Failed to mount rootfs/);
});

test('containers, mounts and files outlive the runtime; its calls, timers and locks do not', async () => {
  const host = createMemoryHost();
  const container = await startApp(host);
  await host.files.makeDirectory('/m');
  await host.mounts.mount({ source: 'none', target: '/m', type: 'tmpfs' });
  await host.files.lock('/lock');
  const late: string[] = [];
  host.clock.after(5, () => late.push('timer'));
  const next = host.restartRuntime();
  void host.files.read('/app.conf').then(() => late.push('call'));
  await next.files.lock('/lock');
  assert.deepEqual(await next.containers.find('app', '/lxc'), container);
  assert.equal(next.processes.isAlive(container.initPid), true);
  assert.ok((await next.mounts.list()).some(({ target }) => target === '/m'));
  await next.advance(100);
  assert.deepEqual(late, []);
  assert.match(await next.files.readText(`/proc/${container.initPid}/cgroup`), /^0::\/pv\/app$/m);
});

test('a power cut ends containers and mounts, and leaves what is durable', async () => {
  const host = createMemoryHost();
  await startApp(host);
  const next = host.crash({ seed: 3 });
  assert.equal(await next.containers.find('app', '/lxc'), undefined);
  assert.deepEqual(
    (await next.mounts.list()).map(({ target }) => target),
    ['/', '/proc', '/run', '/sys', '/tmp'],
  );
  assert.ok(next.clock.wall() >= host.clock.wall());
});

test('cutAfter lets a number of changes through, and none after', async () => {
  const host = createMemoryHost();
  host.cutAfter(2);
  await host.files.write('/run/volatile', 'does not count');
  await host.files.write('/a', '1');
  await host.files.sync('/a');
  let returned = false;
  void host.files.syncDirectory('/').then(() => {
    returned = true;
  });
  assert.equal(await host.machine.powerLost, 'cut');
  await host.settle();
  assert.equal(returned, false);
});

test('an image mounts when it is one', async () => {
  const host = createMemoryHost();
  await host.files.makeDirectory('/m');
  await host.files.write('/good', makeMemoryImage({ '/sbin/init': '#!' }));
  await host.files.write('/bad', 'hsqsrubbish');
  const mount = (image: string) =>
    host.mounts.mountImage({ image, target: '/m', filesystem: 'squashfs', readOnly: true });
  await assert.rejects(mount('/bad'), isCode('EINVAL'));
  await assert.rejects(mount('/missing'), isCode('ENOENT'));
  await mount('/good');
  assert.equal(await host.files.readText('/m/sbin/init'), '#!');
  await assert.rejects(host.files.write('/m/x', ''), isCode('EROFS'));
  host.machine.busyMounts.add('/m');
  await assert.rejects(host.mounts.unmount('/m'), isCode('EBUSY'));
  await host.mounts.unmount('/m', { detach: true });
  await assert.rejects(host.mounts.unmount('/m'), isCode('EINVAL'));
});

test('a bind mount shows one tree at two places', async () => {
  const host = createMemoryHost();
  for (const path of ['/a', '/b']) await host.files.makeDirectory(path);
  await host.mounts.mount({ source: '/a', target: '/b', flags: ['bind'] });
  await host.files.write('/b/x', 'shared');
  assert.equal(await host.files.readText('/a/x'), 'shared');
  await host.mounts.mount({ source: '', target: '/b', flags: ['bind', 'remount', 'readonly'] });
  await assert.rejects(host.files.write('/b/x', ''), isCode('EROFS'));
  await assert.rejects(host.files.link('/a/x', '/b/y'), isCode('EXDEV'));
});

test('faults hit the file they name, as often as they say', async () => {
  const host = createMemoryHost();
  host.machine.faults.push({ operation: 'sync', path: '/a', code: 'EIO', times: 1 });
  await host.files.write('/a', '');
  await assert.rejects(host.files.sync('/a'), isCode('EIO'));
  await host.files.sync('/a');
});

test('requests reach the server with their peer and body', async () => {
  const host = createMemoryHost({ containers: { app: { ready: { after: 5, socketPath: '/run/ctrl' } } } });
  const seen: string[] = [];
  const server = await host.http.serve({
    socketPath: '/run/ctrl',
    mode: 0o600,
    malformed: () => ({ status: 400 }),
    limits: { headerBytes: 1, headerTimeout: 1, idleTimeout: 1, connections: 1 },
    handler: async (request) => {
      if (request.method === 'PUT') {
        const saved = await request.saveBody('/upload', 0o644, async (total) => total < 6);
        return { status: 200, body: `${saved.size} ${saved.sha256.slice(0, 8)}` };
      }
      seen.push(`${request.method} ${request.target} ${request.peer.pid}`);
      return undefined;
    },
  });
  const { initPid } = await startApp(host);
  await host.advance(10);
  assert.deepEqual(seen, [`POST /signal ${initPid}`]);
  const upload = (body: string[]) => host.request('/run/ctrl', { method: 'PUT', target: '/x', body });
  assert.equal(host.text.decode((await upload(['a', 'bc']))?.body ?? new Uint8Array()), '3 ba7816bf');
  await host.files.unlink('/upload');
  await assert.rejects(upload(['abc', 'defg']), isCode('EFBIG'));
  assert.equal(await host.files.status('/upload'), undefined);
  await server.close();
  await assert.rejects(upload([]), isCode('ECONNREFUSED'));
});

test('exit is an exception that ends the runtime', async () => {
  const host = createMemoryHost();
  assert.throws(() => host.system.exit(3), MemoryExit);
  assert.equal(host.record.exitCode, 3);
});

test('programs are functions', async () => {
  const options: MemoryHostOptions = { programs: { echo: (argv) => ({ stdout: argv.slice(1).join(' ') }) } };
  const host = createMemoryHost(options);
  assert.equal((await host.processes.run(['echo', 'a', 'b'])).stdout, 'a b');
  await assert.rejects(host.processes.run(['nothing']), isCode('ENOENT'));
});
