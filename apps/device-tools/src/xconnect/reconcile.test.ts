import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { keyOf, type Link, readGraph } from './graph.ts';
import { reconcile } from './reconcile.ts';

const entry = {
  consumer: 'client',
  consumer_pid: 10,
  provider: 'server',
  provider_pid: 20,
  name: 'echo',
  type: 'unix',
  role: 'any',
  interface: 'unix',
  target: '/run/echo.sock',
  socket: '/run/real.sock',
};
const always = () => 1;
const byteLength = (text: string) => Buffer.byteLength(text);
const read = (graph: unknown, startOf: (pid: number) => number | undefined = always) =>
  readGraph(graph, startOf, byteLength);

/** What is established after effects were carried out, and what had to be done. */
function apply(known: Map<string, Link>, graph: readonly Link[]): string[] {
  return reconcile(known, graph).map((effect) => {
    if (effect.kind === 'drop') {
      known.delete(effect.key);
      return `drop ${effect.key.replaceAll('\0', ' ')}`;
    }
    known.set(keyOf(effect.link), effect.link);
    return `${effect.kind} ${effect.link.consumer} ${effect.link.target}`;
  });
}

describe('the graph', () => {
  it('takes null for absent, and finds a target', () => {
    const [first] = read([{ ...entry, target: null }]).links;
    assert.equal(first?.target, 'unix');
    const [second] = read([{ ...entry, target: null, interface: null }]).links;
    assert.equal(second?.target, '/tmp/pvx_client_echo.sock');
    const { links, complaints } = read([{ ...entry, socket: null }]);
    assert.deepEqual(
      [links, complaints],
      [[], ['cannot connect client to the service echo of server: its export names no socket']],
    );
  });

  it('takes no pid that stands for nobody', () => {
    for (const pid of [-1, 0, 1.5, 2 ** 31, null, '7'])
      assert.equal(read([{ ...entry, consumer_pid: pid }]).links[0]?.consumerProcess, undefined, String(pid));
    assert.equal(read([entry], () => undefined).links[0]?.consumerProcess, undefined);
  });

  it('connects the first provider, and says why not the other', () => {
    const { links, complaints } = read([entry, { ...entry, provider: 'second', provider_pid: 30 }]);
    assert.deepEqual(
      links.map(({ provider }) => provider),
      ['server'],
    );
    assert.match(complaints[0] ?? '', /server exports it, too, and comes first/);
  });

  it('refuses what cannot be connected, one by one', () => {
    const long = `/${'ü'.repeat(60)}`;
    const { links, complaints } = read([{ ...entry, type: 'input' }, { ...entry, target: long }, 7, null, {}, entry]);
    assert.equal(links.length, 1);
    assert.match(complaints.join('\n'), /no way to connect a service of type input\n.*more than 107 bytes/);
    assert.throws(() => read({}), /no list/);
  });
});

describe('reconcile', () => {
  it('waits for a consumer that is not known', () => {
    assert.deepEqual(apply(new Map(), read([{ ...entry, consumer_pid: -1 }]).links), []);
  });

  it('keeps what a pid of 0 says nothing about', () => {
    const known = new Map<string, Link>();
    apply(known, read([entry]).links);
    assert.deepEqual(apply(known, read([{ ...entry, consumer_pid: 0, provider_pid: -1 }]).links), []);
  });

  it('puts it into a consumer that was started again, also under the same pid', () => {
    const known = new Map<string, Link>();
    assert.deepEqual(apply(known, read([entry]).links), ['establish client /run/echo.sock']);
    const both = ['drop client echo /run/echo.sock', 'establish client /run/echo.sock'];
    assert.deepEqual(apply(known, read([{ ...entry, consumer_pid: 11 }]).links), both);
    assert.deepEqual(apply(known, read([{ ...entry, consumer_pid: 11 }], (pid) => (pid === 11 ? 2 : 1)).links), both);
  });

  it('only sends connections elsewhere when the provider is another one', () => {
    const known = new Map<string, Link>();
    apply(known, read([entry]).links);
    assert.deepEqual(apply(known, read([{ ...entry, provider_pid: 21 }]).links), ['redirect client /run/echo.sock']);
    assert.deepEqual(apply(known, read([{ ...entry, provider_pid: 21, role: 'root' }]).links), [
      'redirect client /run/echo.sock',
    ]);
  });

  it('copies a device again when its provider is another one, and waits for it', () => {
    const device = { ...entry, type: 'drm' };
    const known = new Map<string, Link>();
    assert.deepEqual(apply(known, read([{ ...device, provider_pid: -1 }]).links), []);
    assert.equal(apply(known, read([device]).links).length, 1);
    assert.equal(apply(known, read([{ ...device, provider_pid: 21 }]).links).length, 2);
  });

  const graphs = fc.array(
    fc.record({
      ...Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, fc.constant(value)])),
      consumer: fc.constantFrom('a', 'b'),
      consumer_pid: fc.constantFrom(-1, 0, 10, 11),
      provider: fc.constantFrom('p', 'q'),
      provider_pid: fc.constantFrom(-1, 20, 21),
      type: fc.constantFrom('unix', 'drm', 'dbus'),
      target: fc.constantFrom('/run/one', '/run/two', null),
      role: fc.constantFrom('any', 'root'),
    }),
    { maxLength: 6 },
  );

  it('the same graph twice: nothing to do; what is gone is dropped', () => {
    fc.assert(
      fc.property(fc.array(graphs, { minLength: 1, maxLength: 6 }), (history) => {
        const known = new Map<string, Link>();
        for (const graph of history) {
          const { links } = read(graph);
          apply(known, links);
          assert.deepEqual(apply(known, links), []);
          const wanted = new Set(links.map(keyOf));
          for (const [key, link] of known) {
            assert.ok(wanted.has(key));
            assert.notEqual(link.consumerProcess, undefined);
          }
        }
        apply(known, []);
        assert.equal(known.size, 0);
      }),
    );
  });
});
