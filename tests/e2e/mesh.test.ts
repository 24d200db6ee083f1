/**
 * Containers that talk (journey 11), on real LXC: sockets appear inside consumers, the provider sees who calls, and a container that did not
 * ask gets nothing. The programs at both ends are this process, at sockets inside the containers.
 */
import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  acceptUnix,
  connectAs,
  connectUnix,
  listenUnix,
  openBelow,
  peerCredentials,
  receiveDescriptors,
  sendDescriptors,
  waitReadable,
} from '@pantavisor/linux';
import type { ContainerRecipe } from '../../containers/src/recipe.ts';
import { atEnd, temporaryDirectory } from '../harness/cleanup.ts';
import { TestDevice } from '../harness/device.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { probeContainer, writeRevision } from '../harness/revision.ts';
import { UpdateDevice } from '../harness/update-device.ts';

const options = { skip: await skipWithoutContainers(), timeout: 240_000 };
const pathOnly = 0o10000000;

type Wish = Record<string, string>;
const consumer = (name: string, required: Wish[], optional: (Wish | string)[] = []): ContainerRecipe =>
  probeContainer(name, ['init'], {
    restartPolicy: 'container',
    group: 'app',
    runJson: { services: { required, optional } },
  });
const provider = (name: string): ContainerRecipe =>
  probeContainer(name, ['init'], {
    restartPolicy: 'container',
    group: 'app',
    config: { '/etc/passwd': 'root:x:0:0::/:/bin/sh\noperator:x:1234:1234::/:\n' },
  });
const exports = (...services: Wish[]) => ({ '#spec': 'service-manifest-xconnect@1', services });

/** The root directory of a container, as the host sees it. */
const rootOf = async (device: TestDevice, name: string) => `/proc/${(await device.container(name)).pid}/root`;

async function meshPid(device: TestDevice): Promise<number> {
  const { body } = await device.request('GET', '/daemons');
  return (JSON.parse(body) as { name: string; pid: number }[]).find(({ name }) => name === 'pv-xconnect')?.pid ?? 0;
}

/** Looks again until something holds: the mesh works in other namespaces, where no event tells of it. */
async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} has not come`);
}

/** Waits for a socket; where an old one lies it is another one. */
const socketAt = (path: string, old?: number) => eventually(path, () => existsSync(path) && statSync(path).ino !== old);

/** Answers at a socket inside a container. */
async function serve(t: TestContext, path: string, answer: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  atEnd(t, () => void server.close());
  return server;
}

const echo =
  (word = '') =>
  (socket: Socket) => {
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('end', () => socket.end(word + text));
  };

/** Sends a text, says that it was all, and reads everything that comes. */
function ask(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path);
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', reject).on('close', () => resolve(answer));
    socket.end(text);
  });
}

/** Asks until there is an answer: a provider or the mesh may just be coming up. */
const answerOf = (path: string, text: string) =>
  eventually(`an answer at ${path}`, async () => (await ask(path, text).catch(() => '')) || undefined);

/** Restarts a container. @returns its new root directory */
async function restart(device: TestDevice, name: string): Promise<string> {
  const { pid } = await device.container(name);
  await device.request('PUT', `/containers/${name}`, JSON.stringify({ action: 'restart' }));
  const now = await eventually(`${name} again`, async () => {
    const found = await device.container(name);
    return found.pid !== pid && found.status === 'STARTED' && found.pid;
  });
  return `/proc/${now}/root`;
}

test('services between containers: sockets, identities, descriptors, restarts', options, async (t) => {
  const device = new TestDevice(t);
  const revision = await writeRevision(temporaryDirectory(t), {
    containers: [
      provider('server'),
      consumer(
        'client',
        [
          { name: 'echo', type: 'unix', target: '/var/run/deep/echo.sock' },
          { name: 'api', type: 'rest', role: 'operator', target: '/run/pv/api.sock' },
        ],
        [
          { name: 'bus', type: 'dbus', role: 'operator', target: '/run/bus.sock' },
          { name: 'bus', role: 'stranger', target: '/run/bus2.sock' },
          { name: 'nowhere', target: '/run/nowhere.sock' },
          'echo',
        ],
      ),
      probeContainer('stranger', ['init'], { group: 'app' }),
    ],
    extra: {
      'server/services.json': exports(
        { name: 'echo', type: 'unix', socket: '/run/real.sock' },
        { name: 'api', type: 'rest', socket: '/run/api.sock' },
        { name: 'bus', type: 'dbus', socket: '/run/bus.sock' },
      ),
    },
  });
  await device.start(revision).ready();
  const server = await rootOf(device, 'server');
  const client = await rootOf(device, 'client');
  const stranger = await rootOf(device, 'stranger');
  const at = {
    echo: `${client}/run/deep/echo.sock`,
    api: `${client}/run/pv/api.sock`,
    bus: `${client}/run/bus.sock`,
  };

  await t.test('a socket that everybody in the container may use answers with what the provider says', async () => {
    await serve(t, `${server}/run/real.sock`, echo());
    await socketAt(at.echo);
    assert.equal(statSync(at.echo).mode & 0o7777, 0o666);
    assert.equal(statSync(at.echo).uid, 0);
    assert.equal(await ask(at.echo, 'hello'), 'hello');
    // Where no target is named the interface is it, which is the type where none is named.
    await socketAt(`${client}/unix`);
    assert.equal(existsSync(`${client}/run/nowhere.sock`), false);
  });

  await t.test('a container that did not ask has nothing', () => {
    const found = readdirSync(`${stranger}/`);
    assert.equal(found.includes('unix'), false);
    for (const path of ['/run/deep', '/run/pv', '/run/bus.sock'])
      assert.equal(existsSync(stranger + path), false, path);
  });

  await t.test('a provider of HTTP is told who asks, whatever the client says', async () => {
    await serve(t, `${server}/run/api.sock`, echo());
    await socketAt(at.api);
    const head = await ask(at.api, 'GET /info HTTP/1.1\r\nHost: x\r\nX-PV-Client: boss\r\nx-pv-role: root\r\n\r\n');
    assert.equal(head, 'GET /info HTTP/1.1\r\nX-PV-Client: client\r\nX-PV-Role: operator\r\nHost: x\r\n\r\n');
  });

  await t.test('a bus sees the user that the role has in its own container, or nobody', async () => {
    const listener = listenUnix(`${server}/run/bus.sock`, 0o777);
    atEnd(t, () => closeSync(listener));
    for (const [path, uid, hex] of [
      [at.bus, 1234, '31323334'],
      [`${client}/run/bus2.sock`, 65534, '3635353334'],
    ] as const) {
      await socketAt(path);
      const socket = connectUnix(path);
      sendDescriptors(socket, Buffer.from('\0AUTH EXTERNAL 30\r\nBEGIN\r\n'), []);
      await waitReadable(listener);
      const accepted = acceptUnix(listener);
      assert.equal(peerCredentials(accepted).uid, uid);
      await waitReadable(accepted);
      assert.equal(Buffer.from(receiveDescriptors(accepted).bytes).toString(), `\0AUTH EXTERNAL ${hex}\r\nBEGIN\r\n`);
      for (const each of [socket, accepted]) closeSync(each);
    }
  });

  await t.test('descriptors arrive with their bytes', async () => {
    unlinkSync(`${server}/run/real.sock`);
    const listener = listenUnix(`${server}/run/real.sock`, 0o600);
    atEnd(t, () => closeSync(listener));
    const socket = connectUnix(at.echo);
    const file = openSync(`${temporaryDirectory(t)}/passed`, 'w+');
    writeSync(file, 'content');
    sendDescriptors(socket, Buffer.from('take'), [file]);
    closeSync(file);
    await waitReadable(listener);
    const accepted = acceptUnix(listener);
    await waitReadable(accepted);
    const { bytes, descriptors } = receiveDescriptors(accepted);
    assert.equal(Buffer.from(bytes).toString(), 'take');
    assert.equal(descriptors.length, 1);
    assert.equal(readFileSync(`/proc/self/fd/${descriptors[0]}`, 'utf8'), 'content');
    for (const each of [socket, accepted, ...descriptors]) closeSync(each);
  });

  await t.test('a client that is not root gets in', async () => {
    unlinkSync(`${server}/run/real.sock`);
    await serve(t, `${server}/run/real.sock`, echo());
    const root = openSync(client, pathOnly | constants.O_DIRECTORY);
    const target = openBelow(root, '/var/run/deep/echo.sock', pathOnly);
    closeSync(connectAs(`/proc/self/fd/${target}`, 1000));
    for (const each of [root, target]) closeSync(each);
  });

  await t.test('a hundred connections leave no descriptor behind', async () => {
    const open = async () => readdirSync(`/proc/${await meshPid(device)}/fd`).length;
    await ask(at.echo, 'first');
    const before = await open();
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, (_, each) => ask(at.echo, `${round} ${each}`)));
      assert.equal(answers[3], `${round} 3`);
    }
    await eventually('what was open before', async () => (await open()) <= before);
  });

  await t.test('after a restart the consumer has its socket again', async () => {
    const path = `${await restart(device, 'client')}/run/deep/echo.sock`;
    await socketAt(path);
    assert.equal(await answerOf(path, 'again'), 'again');
  });

  await t.test('after a restart of the provider connections reach the new one', async () => {
    await serve(t, `${await restart(device, 'server')}/run/real.sock`, echo('new '));
    assert.equal(await answerOf(`${await rootOf(device, 'client')}/run/deep/echo.sock`, 'hi'), 'new hi');
  });

  await t.test('a mesh that was killed comes back, with new sockets', async () => {
    const path = `${await rootOf(device, 'client')}/run/deep/echo.sock`;
    const { ino } = statSync(path);
    process.kill(await meshPid(device), 'SIGKILL');
    await socketAt(path, ino);
    assert.equal(await answerOf(path, 'back'), 'new back');
  });
});

test(
  'an update that requires what nobody exports is refused, and says so; an optional wish is none',
  options,
  async (t) => {
    const device = await UpdateDevice.install(t, [probeContainer('a')]);
    await device.store('locals/bad', [
      probeContainer('a'),
      consumer('b', [{ name: 'missing', target: '/run/x.sock' }]),
    ]);
    assert.equal(await device.command('LOCAL_RUN', 'locals/bad'), 200);
    await device.ended('locals/bad');
    assert.deepEqual(
      [device.progress('locals/bad').status, device.reasons('locals/bad')],
      ['ERROR', ['service-required-missing']],
    );
    assert.deepEqual(
      (await device.device.containers()).map(({ name, status }) => [name, status]),
      [['a', 'STARTED']],
    );
    await device.store('locals/good', [
      probeContainer('a'),
      consumer('b', [], [{ name: 'missing', target: '/run/x.sock' }]),
    ]);
    assert.equal(await device.command('LOCAL_RUN', 'locals/good'), 200);
    await device.ended('locals/good');
    assert.equal(device.progress('locals/good').status, 'UPDATED');
    assert.equal(await meshPid(device.device), 0);
  },
);
