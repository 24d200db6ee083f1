import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { MeshHost } from '../host/mesh-ports.ts';
import { acceptPause, Mesh } from './mesh.ts';
import { SocketWorld } from './testing/socket-world.ts';

const entry = {
  consumer: 'client',
  consumer_pid: 10,
  provider: 'server',
  provider_pid: 20,
  name: 'echo',
  type: 'unix',
  role: 'any',
  target: '/run/echo.sock',
  socket: '/run/real.sock',
};

/** A machine with one directory, whatever path is asked for; providers answer while `provider` is on. */
function machine() {
  const world = new SocketWorld(1024);
  const files = new Map<string, string>();
  const opened = new Map<number, string>();
  const ends = new Map<number, () => void>();
  const lines: string[] = [];
  let made = 0;
  let listener = -1;
  const state = { world, files, lines, ends, isProviderThere: true, isReadOnly: false, listener: () => listener };
  const open = (name: string) => {
    const descriptor = world.descriptor();
    opened.set(descriptor, name);
    return descriptor;
  };
  const missing = (code: string) => Object.assign(new Error(code), { code });
  const host: MeshHost = {
    pid: 1,
    arguments: [],
    print: (_, text) => void lines.push(text.trim()),
    now: world.now,
    after: world.after,
    onSignal: () => {},
    startOf: () => 7,
    whenEnded: (pid, callback) => {
      ends.set(pid, callback);
      return () => ends.delete(pid);
    },
    encode: (text) => new TextEncoder().encode(text),
    decode: (bytes) => new TextDecoder().decode(bytes),
    exit: () => {
      throw new Error('exit');
    },
    sockets: {
      ...world.sockets,
      connect: () => {
        if (!state.isProviderThere) throw missing('ECONNREFUSED');
        return world.connection()[0];
      },
    },
    files: {
      openRoot: () => open('/'),
      openIn: (_, path, kind) => {
        const name = path.slice(path.lastIndexOf('/') + 1);
        if (kind === 'any' && path !== entry.socket && !files.has(name)) throw missing('ENOENT');
        return open(name);
      },
      readIn: () => '',
      status: (descriptor) => ({ kind: 'socket', identity: files.get(opened.get(descriptor) ?? '') ?? 'none' }),
      makeDirectory: () => {},
      listen: (_, name) => {
        if (state.isReadOnly) throw missing('EROFS');
        made += 1;
        files.set(name, `inode ${made}`);
        listener = world.listener();
        return listener;
      },
      copyDevice: () => {},
      rename: (_, from, to) => {
        files.set(to, files.get(from) ?? '');
        files.delete(from);
      },
      remove: (_, name) => {
        if (!files.delete(name)) throw missing('ENOENT');
      },
    },
  };
  return { ...state, host, state, mesh: new Mesh(host, { restIdentity: true }) };
}

it('leaves a listener alone for two seconds when too many files are open', () => {
  const { world, mesh, listener } = machine();
  mesh.follow([entry]);
  world.knock(listener());
  world.setFull(listener(), true);
  world.settle();
  assert.equal(world.isWatched(listener()), false);
  world.setFull(listener(), false);
  world.advance(acceptPause - 1);
  assert.equal(world.isWatched(listener()), false);
  world.advance(1);
  assert.equal(world.isWatched(listener()), true);
});

it('accepts and closes a connection whose provider does not listen, and says so once', () => {
  const { world, mesh, listener, state, lines } = machine();
  mesh.follow([entry]);
  state.isProviderThere = false;
  const clients = [world.knock(listener()), world.knock(listener())];
  world.settle();
  for (const client of clients) assert.equal(world.sockets.receive(client, false)?.bytes.length, 0);
  assert.equal(lines.filter((line) => /ECONNREFUSED/.test(line)).length, 1);
});

it('does nothing when the graph says the same, and puts back what somebody has removed', () => {
  const { mesh, files, lines } = machine();
  mesh.follow([entry]);
  const first = files.get('echo.sock');
  const said = lines.length;
  mesh.follow([entry]);
  assert.equal(files.get('echo.sock'), first);
  assert.equal(lines.length, said);
  files.delete('echo.sock');
  mesh.follow([entry]);
  assert.notEqual(files.get('echo.sock'), undefined);
  assert.notEqual(files.get('echo.sock'), first);
});

it('takes away what nobody asks for any more, and leaves what somebody else has put there', () => {
  const { world, mesh, files } = machine();
  const before = world.open;
  mesh.follow([entry, { ...entry, target: '/run/other.sock' }]);
  files.set('other.sock', 'of the container');
  mesh.follow([]);
  assert.deepEqual([...files], [['other.sock', 'of the container']]);
  assert.equal(world.open, before);
});

it('lets go of a consumer as soon as it ends', () => {
  const { world, mesh, ends } = machine();
  const before = world.open;
  mesh.follow([entry]);
  ends.get(10)?.();
  assert.equal(world.open, before);
});

it('tries again what could not be done, and says it once', () => {
  const { mesh, state, lines, files } = machine();
  state.isReadOnly = true;
  for (let poll = 0; poll < 3; poll += 1) mesh.follow([entry]);
  assert.deepEqual(lines, ['cannot put the service echo into client at /run/echo.sock: EROFS']);
  state.isReadOnly = false;
  mesh.follow([entry]);
  assert.ok(files.has('echo.sock'));
});
