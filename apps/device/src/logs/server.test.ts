import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Places } from '../boot/places.ts';
import { ConfigStore } from '../config/store.ts';
import type { ContainerSource } from '../containers/launch.ts';
import { createMemoryHost, type MemoryHost } from '../host/memory/host.ts';
import { memorySource } from '../host/memory/streams.ts';
import { encodeUtf8 } from '../host/memory/utf8.ts';
import { HostError, type Peer } from '../host/ports.ts';
import { createLog } from '../runtime/log.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { LogOutputs } from './outputs.ts';
import { encodeLegacy } from './protocols/binary.ts';
import { LogServer } from './server.ts';
import { encodeRequest } from './subscriptions.ts';

const peer: Peer = { pid: 7, uid: 0, gid: 0 };
const container = { name: 'web', mgmt: false, logs: [{ file: '/var/log/app', truncate: true, maxSize: 20 }] };
// Of a container only what its logs are about.
const source = { container, revision: '3', trail: '/trails/3' } as unknown as ContainerSource;

/** A server on a simulated machine. */
async function serve(host: MemoryHost, settings: Record<string, string> = {}) {
  const store = new ConfigStore();
  const values = { PV_LOG_LEVEL: '3', PV_LOG_CAPTURE_DMESG: '0', ...settings };
  store.apply(
    Object.entries(values).map(([name, value]) => ({ name, value, source: 'test' })),
    'pv conf file',
  );
  const config = () => store.snapshot();
  // The places that logs use.
  const places = { logs: '/data/logs', run: '/run/pv', base: '/run' } as Places;
  for (const directory of [places.logs, places.run]) await makeDirectories(host.files, directory);
  const outputs = new LogOutputs({ host, directory: places.logs, config }, '3');
  const log = createLog(host.clock, () => config().PV_LOG_LEVEL, [(record) => outputs.own(record)]);
  const platformOf = async ({ pid }: Peer) => (pid === peer.pid ? 'pantavisor' : undefined);
  const server = new LogServer({ host, places, config, outputs, log, platformOf });
  await host.runFor(server.open());
  const written = async (name: string) => {
    await host.runFor(outputs.flush());
    const path = `/data/logs/3/${name}`;
    return (await host.files.status(path)) === undefined ? '' : host.files.readText(path);
  };
  return { server, outputs, store, written };
}

const json = (level: string, message: string, src = 'src') =>
  encodeUtf8(JSON.stringify({ version: 0, level, src, message }));

test('a container speaks for itself only, through its own sockets; levels above the configured one are dropped', async () => {
  const host = createMemoryHost();
  const { server, written } = await serve(host);
  await host.runFor(server.containers.prepare(source));
  const own = '/run/pv/.containers/web';
  const lie = encodeLegacy({ level: 3, platform: 'other', source: 'a', data: encodeUtf8('x\n') }, encodeUtf8);
  for (const message of [
    lie,
    json('INFO', 'one'),
    json('DEBUG', 'too much'),
    json('INFO', 'two'),
    json('INFO', 'up', '../../../x'),
  ])
    await host.runFor(host.streams.say(`${own}/pv-ctrl-log`, peer, [message]));
  await host.runFor(host.streams.send(`${own}/.log`, encodeUtf8('<13>Jan  1 00:00:00 app: syslog')));
  assert.equal(await written('web/a'), 'x\n');
  assert.equal(await written('web/src'), 'one\ntwo\n');
  assert.equal(await written('web/_/_/_/x'), 'up\n');
  assert.equal(await written('web/app'), 'syslog\n');
  assert.equal(await written('other/a'), '');
  await host.runFor(server.containers.ending('web'));
  assert.deepEqual(await host.files.list(own), []);
});

test('the host may speak for others, and who is not known is called so', async () => {
  const host = createMemoryHost();
  const { written } = await serve(host);
  const socket = '/run/pv/pv-ctrl-log';
  const other = encodeLegacy({ level: 3, platform: 'other', source: 'a', data: encodeUtf8('x\n') }, encodeUtf8);
  await host.runFor(host.streams.say(socket, peer, [other.slice(0, 5), other.slice(5)]));
  await host.runFor(host.streams.say(socket, { ...peer, pid: 99 }, [json('ERROR', 'who am I')]));
  await host.runFor(host.streams.say(socket, peer, [json('ERROR', 'one\n\ntwo', 'host')]));
  assert.equal(await written('other/a'), 'x\n');
  assert.equal(await written('unknown-platform/src'), 'who am I\n');
  const own = '[pantavisor] 0 ERROR\t -- [host]: one\n[pantavisor] 0 ERROR\t -- [host]: two\n';
  assert.equal(await written('pantavisor/pantavisor.log'), own);
});

test('nonsense is told once, and then how often', async () => {
  const host = createMemoryHost();
  const { written } = await serve(host);
  for (const text of ['what?', 'hello', 'again'])
    await host.runFor(host.streams.say('/run/pv/pv-ctrl-log', peer, [encodeUtf8(text)]));
  await host.advance(61_000);
  const lines = (await written('pantavisor/pantavisor.log')).trim().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /cannot understand a message of pantavisor: level, src, message/);
  assert.match(lines[1] ?? '', /cannot understand 2 more messages of pantavisor/);
});

test('a file is followed by lines, over its replacement, its truncation and the end of the runtime', async () => {
  const host = createMemoryHost();
  const { server, written } = await serve(host);
  const running = { name: 'web', initPid: 42, monitorPid: 41 };
  const path = '/proc/42/root/var/log/app';
  await makeDirectories(host.files, '/proc/42/root/var/log');
  await host.runFor(server.containers.started(source, running));
  const add = async (text: string) => {
    await host.files.append(path, text);
    host.streams.touch(path);
    await host.advance(100);
  };
  await add('one\ntw');
  assert.equal(await written('web/var/log/app'), 'one\n');
  await add('o\n');
  await host.files.rename(path, `${path}.old`);
  await add('three\n');
  assert.equal(await written('web/var/log/app'), 'one\ntwo\nthree\n');
  await add('more than 20 bytes in all\n');
  assert.equal((await host.files.status(path))?.size, 0);
  await add('after\n');
  await host.runFor(server.close());
  await add('while away\n');

  const again = host.restartRuntime();
  const next = await serve(again);
  await again.runFor(next.server.containers.started(source, running));
  assert.equal(
    await next.written('web/var/log/app'),
    'one\ntwo\nthree\nmore than 20 bytes in all\nafter\nwhile away\n',
  );
});

test('a descriptor that is handed over is read until its end, and an unsubscription closes it', async () => {
  const host = createMemoryHost();
  const { written } = await serve(host, { PV_LOG_SERVER_OUTPUTS: 'singlefile' });
  const request = { platform: 'web', source: 'out', level: 3, subscribe: true };
  const socket = '/run/pv/pv-fd-log';
  const pieces = memorySource([encodeUtf8('a\nb'), encodeUtf8('c\n')]);
  await host.runFor(host.streams.say(socket, peer, [encodeRequest(request, encodeUtf8)], [pieces]));
  await host.settle();
  assert.ok(pieces.closed === false);
  const messages = (await written('pv.log'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    messages.map(({ platform, lvl, src, msg }) => [platform, lvl, src, msg]),
    [
      ['web', 'INFO', 'out', 'a'],
      ['web', 'INFO', 'out', 'b'],
      ['web', 'INFO', 'out', 'c'],
    ],
  );
  let closed = false;
  const close = () => {
    closed = true;
  };
  const silent = { start: () => {}, close };
  await host.runFor(host.streams.say(socket, peer, [encodeRequest(request, encodeUtf8)], [silent]));
  assert.equal(closed, false);
  await host.runFor(host.streams.say(socket, peer, [encodeRequest({ ...request, subscribe: false }, encodeUtf8)]));
  assert.equal(closed, true);
});

test('who sends too fast waits, nobody else does, and what is lost is counted', async () => {
  const host = createMemoryHost();
  const { server, outputs, written } = await serve(host);
  await host.runFor(server.containers.prepare(source));
  host.machine.faults.push({ operation: 'append', path: /web/, code: 'ENOSPC', times: 1 });
  const entry = (platform: string, size: number) =>
    outputs.take({ platform, source: 's', level: 3, wall: 0, at: 0, protocol: 'json', data: 'x'.repeat(size) });
  assert.equal(entry('web', 10), undefined);
  const held = entry('web', 300_000);
  assert.ok(held instanceof Promise);
  assert.equal(entry('quiet', 10), undefined);
  void entry('web', 300_000);
  await host.runFor(held);
  assert.equal((await written('quiet/s')).length, 11);
  assert.match(host.record.printed.map(({ text }) => text).join(''), /cannot write the log .*web/);
  assert.match(await written('pantavisor/pantavisor.log'), /\d entries of web are lost/);
});

test('owners that share a file are held and let go each by itself', async () => {
  const host = createMemoryHost();
  const { outputs, written } = await serve(host, { PV_LOG_SERVER_OUTPUTS: 'singlefile' });
  const data = 'x'.repeat(150_000);
  const entry = (platform: string) =>
    outputs.take({ platform, source: 's', level: 3, wall: 0, at: 0, protocol: 'json', data });
  for (const round of [1, 2, 3]) {
    const held = ['a', 'b', 'a', 'b'].map(entry).filter((wait) => wait !== undefined);
    assert.equal(held.length, 2, `round ${round}`);
    for (const wait of held) await host.runFor(wait);
  }
  assert.equal((await written('pv.log')).match(/xxx"/g)?.length, 12);
});

test('records of the kernel are copied once, with their time, in this boot and the next runtime', async () => {
  const host = createMemoryHost();
  const records = [encodeUtf8('6,10,1500000,-;Linux\n SUBSYSTEM=x\n'), encodeUtf8('6,11,2500000,-;bad \u0001\n')];
  host.streams.devices.set('/dev/kmsg', records);
  const settings = { PV_LOG_CAPTURE_DMESG: '1' };
  const { server, written } = await serve(host, settings);
  await host.settle();
  const first = '[pantavisor] 0 INFO\t -- [dmesg]: [    1.500000] Linux\n';
  assert.equal(await written('pantavisor/pantavisor.log'), first);
  await host.runFor(server.close());
  const again = host.restartRuntime();
  again.streams.devices.set('/dev/kmsg', records);
  const next = await serve(again, settings);
  await again.settle();
  assert.equal(await next.written('pantavisor/pantavisor.log'), first);
});

test('a socket that cannot be made is told, and the rest works', async () => {
  const host = createMemoryHost();
  const { listen } = host.streams;
  host.streams.listen = async (request) => {
    if (request.socketPath.endsWith('pv-fd-log')) throw new HostError('EROFS', 'listen on', request.socketPath);
    return listen(request);
  };
  const { written } = await serve(host);
  await host.runFor(host.streams.say('/run/pv/pv-ctrl-log', peer, [json('INFO', 'still here')]));
  assert.match(
    await written('pantavisor/pantavisor.log'),
    /cannot make the socket for log descriptors.*EROFS[\s\S]*still here/,
  );
});
