import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { latinBytes, latinText } from './filter.ts';
import { mostQueued, Pair, patience } from './pair.ts';
import { RestIdentity } from './rest-identity.ts';
import { SocketWorld } from './testing/socket-world.ts';

/** A pair in the middle, and the ends that its client and its provider hold. */
function connect(world: SocketWorld, options: { descriptors?: boolean; filter?: RestIdentity } = {}) {
  const [client, near] = world.connection();
  const [provider, far] = world.connection();
  const ends: (string | undefined)[] = [];
  const { descriptors = true, filter } = options;
  const pair = new Pair({
    host: world,
    client: near,
    provider: far,
    descriptors,
    filter,
    ended: (why) => ends.push(why),
  });
  return { pair, client, provider, ends };
}

const send = (world: SocketWorld, socket: number, text: string, descriptors: number[] = []) =>
  world.sockets.send(socket, latinBytes(text), descriptors);

function readAll(world: SocketWorld, socket: number): { text: string; descriptors: number[]; ended: boolean } {
  const all = { text: '', descriptors: [] as number[], ended: false };
  for (;;) {
    const received = world.sockets.receive(socket, true);
    if (received === undefined) return all;
    if (received.bytes.length === 0) return { ...all, ended: true };
    all.text += latinText(received.bytes);
    all.descriptors.push(...received.descriptors);
  }
}

describe('a connection through the mesh', () => {
  it('carries a request whose end the provider waits for', () => {
    const world = new SocketWorld();
    const { client, provider, ends } = connect(world);
    send(world, client, 'question');
    world.sockets.finish(client);
    world.settle();
    assert.deepEqual(readAll(world, provider), { text: 'question', descriptors: [], ended: true });
    send(world, provider, 'answer');
    world.sockets.close(provider);
    world.settle();
    assert.deepEqual(readAll(world, client), { text: 'answer', descriptors: [], ended: true });
    assert.deepEqual(ends, [undefined]);
    world.sockets.close(client);
    assert.equal(world.open, 0);
  });

  it('brings what the provider said before it went away without reading', () => {
    const world = new SocketWorld();
    const { client, provider } = connect(world);
    send(world, provider, 'no');
    world.sockets.close(provider);
    send(world, client, 'a long question');
    world.settle();
    assert.deepEqual(readAll(world, client), { text: 'no', descriptors: [], ended: true });
  });

  it('ends when one side has finished and nothing comes for a minute', () => {
    const world = new SocketWorld();
    const { client, provider, ends } = connect(world);
    world.advance(10 * patience);
    assert.equal(ends.length, 0);
    world.sockets.finish(client);
    world.settle();
    world.advance(patience - 1);
    send(world, provider, 'still here');
    world.settle();
    world.advance(patience - 1);
    assert.equal(ends.length, 0);
    world.advance(1);
    assert.equal(ends.length, 1);
    assert.equal(readAll(world, client).text, 'still here');
  });

  it('lets a writer wait whose reader does not read', () => {
    const world = new SocketWorld(64 * 1024);
    const { client, provider } = connect(world);
    const piece = 'x'.repeat(64 * 1024);
    let sent = 0;
    for (let idle = 0; idle < 2; ) {
      const count = send(world, client, piece);
      sent += count;
      idle = count === 0 ? idle + 1 : 0;
      world.settle();
    }
    // What the pair holds, and what the two sockets do.
    assert.ok(sent <= mostQueued + 3 * 64 * 1024, `${sent}`);
    let received = 0;
    for (let text = readAll(world, provider).text; text !== ''; text = readAll(world, provider).text) {
      received += text.length;
      world.settle();
    }
    assert.equal(received, sent);
  });

  it('drops descriptors where they are not wanted', () => {
    const world = new SocketWorld();
    const { client, provider, pair } = connect(world, { descriptors: false });
    const passed = world.descriptor();
    send(world, client, 'x', [passed]);
    world.sockets.close(passed);
    world.settle();
    assert.deepEqual(readAll(world, provider).descriptors, []);
    pair.close();
    for (const end of [client, provider]) world.sockets.close(end);
    assert.equal(world.open, 0);
  });

  it('ends a client that does not keep to the protocol', () => {
    const world = new SocketWorld(1024);
    const { client, ends } = connect(world, { filter: new RestIdentity({ client: 'a', role: 'b' }) });
    send(world, client, 'PRI * HTTP/2.0\r\n\r\n');
    world.settle();
    assert.deepEqual(ends, ['the client does not keep to the protocol']);
    assert.equal(readAll(world, client).ended, true);
  });

  it('sends on what was held back for an answer', () => {
    const world = new SocketWorld(1024);
    const { client, provider } = connect(world, { filter: new RestIdentity({ client: 'a', role: 'b' }) });
    send(world, client, 'GET / HTTP/1.1\r\nUpgrade: raw\r\n\r\nwords');
    world.settle();
    assert.doesNotMatch(readAll(world, provider).text, /words/);
    send(world, provider, 'HTTP/1.1 101 Yes\r\n\r\n');
    world.settle();
    assert.equal(readAll(world, provider).text, 'words');
    assert.match(readAll(world, client).text, /^HTTP\/1\.1 101/);
  });

  type Act =
    | { by: 'client' | 'provider'; kind: 'send' | 'pass' | 'finish' | 'close' | 'read' }
    | { kind: 'turn'; which: number };
  const act: fc.Arbitrary<Act> = fc.oneof(
    fc.record({
      by: fc.constantFrom('client' as const, 'provider' as const),
      kind: fc.constantFrom(
        'send' as const,
        'send' as const,
        'pass' as const,
        'read' as const,
        'read' as const,
        'finish' as const,
        'close' as const,
      ),
    }),
    fc.record({ kind: fc.constant('turn' as const), which: fc.nat(3) }),
  );

  it('keeps every byte and every descriptor in its place, and leaves nothing open, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const world = new SocketWorld(8);
        const { pair, client, provider } = connect(world);
        const sides = { client, provider };
        const gone = new Set<string>();
        const finished = new Set<string>();
        const sent = { client: '', provider: '' };
        const got = { client: '', provider: '' };
        const letters = { client: 97, provider: 65 };
        const take = (by: 'client' | 'provider') => {
          const { text, descriptors } = readAll(world, sides[by]);
          got[by] += text;
          for (const each of descriptors) world.sockets.close(each);
        };
        for (const each of acts) {
          if (each.kind === 'turn') world.turn((count) => each.which % Math.max(1, count));
          else if (gone.has(each.by)) continue;
          else if (each.kind === 'read') take(each.by);
          else if (each.kind === 'finish') {
            world.sockets.finish(sides[each.by]);
            finished.add(each.by);
          } else if (each.kind === 'close') {
            world.sockets.close(sides[each.by]);
            gone.add(each.by);
          } else if (!finished.has(each.by)) {
            const text = String.fromCharCode(letters[each.by]).repeat(3);
            letters[each.by] = letters[each.by] % 32 === 26 ? letters[each.by] - 25 : letters[each.by] + 1;
            const passed = each.kind === 'pass' ? [world.descriptor()] : [];
            try {
              sent[each.by] += text.slice(0, world.sockets.send(sides[each.by], latinBytes(text), passed));
            } catch {
              // The mesh has hung up, since the other side has gone.
            }
            for (const one of passed) world.sockets.close(one);
          }
        }
        for (let round = 0; round < 200; round += 1) {
          world.settle();
          for (const by of ['client', 'provider'] as const) if (!gone.has(by)) take(by);
        }
        assert.ok(sent.client.startsWith(got.provider));
        assert.ok(sent.provider.startsWith(got.client));
        if (gone.size === 0) assert.deepEqual([got.provider, got.client], [sent.client, sent.provider]);
        pair.close();
        for (const by of ['client', 'provider'] as const) if (!gone.has(by)) world.sockets.close(sides[by]);
        // What lay unread in sockets that were closed is the kernel's to free, not the pair's.
        if (gone.size === 0) assert.equal(world.open, 0);
      }),
      { numRuns: 300 },
    );
  });
});
