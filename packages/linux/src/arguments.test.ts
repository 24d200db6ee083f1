/** No wrong argument may do more than throw a TypeError; none may crash the process. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addon } from './addon.ts';
import { bitsOf } from './flags.ts';
import { reboot } from './machine.ts';
import { mount, unmount } from './mount.ts';
import { signalName, signalNumber } from './signals.ts';

/** What stands for a right argument. Calls are never made with right ones only: some would change the machine. */
type Kind = 'string' | 'optional' | 'integer' | 'bytes' | 'descriptors' | 'strings' | 'boolean';

const signatures: Record<string, Kind[]> = {
  mount: ['string', 'string', 'optional', 'integer', 'optional'],
  unmount: ['string', 'integer'],
  openTree: ['string', 'integer'],
  moveMount: ['integer', 'string'],
  attachLoop: ['string', 'integer', 'integer', 'integer'],
  detachLoop: ['string'],
  statfs: ['string'],
  syncDirectory: ['string'],
  syncFileSystem: ['string'],
  rename: ['string', 'string', 'integer'],
  flock: ['integer', 'integer'],
  makeFifo: ['string', 'integer'],
  peerCredentials: ['integer'],
  connectUnix: ['string'],
  sendDescriptors: ['integer', 'bytes', 'descriptors'],
  receiveDescriptors: ['integer', 'integer'],
  openProcess: ['integer'],
  signalProcess: ['integer', 'integer'],
  processInfo: ['integer'],
  reap: ['integer', 'integer', 'boolean'],
  spawnProcess: ['string', 'strings', 'strings', 'integer', 'integer', 'integer'],
  setChildSubreaper: ['boolean'],
  waitReadable: ['integer'],
  waitWritable: ['integer'],
  openBelow: ['integer', 'string', 'integer'],
  listenUnix: ['string', 'integer'],
  acceptUnix: ['integer'],
  connectAs: ['string', 'integer'],
  finishSocket: ['integer'],
  copyDevice: ['integer', 'string'],
  addBridge: ['string'],
  deleteBridge: ['string'],
  setInterfaceUp: ['string', 'boolean'],
  setInterfaceAddress: ['string', 'string', 'integer'],
  setHostname: ['string'],
  reboot: ['integer'],
  bindDatagrams: ['string', 'integer'],
  shutdownSocket: ['integer'],
  openInRoot: ['string', 'string', 'integer'],
  openWatchdog: ['string', 'integer'],
  feedWatchdog: ['integer'],
};
const withoutArguments = ['syncAll', 'socketPair'];

const right: Record<Kind, unknown> = {
  string: '/nonexistent/x',
  optional: undefined,
  integer: 1,
  bytes: Uint8Array.of(1),
  descriptors: [],
  strings: [],
  boolean: true,
};
const notInteger = [
  undefined,
  null,
  '1',
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -2,
  2 ** 60,
  1n,
  {},
  [],
  Symbol('s'),
];
const notString = [undefined, null, 1, {}, [], true, 'with\0nul', Symbol('s'), new String('/x')];
const wrong: Record<Kind, unknown[]> = {
  string: notString,
  optional: notString.slice(2),
  integer: notInteger,
  bytes: [
    undefined,
    null,
    'x',
    [1],
    new Uint16Array(1),
    new ArrayBuffer(1),
    new DataView(new ArrayBuffer(1)),
    Uint8Array.of(),
  ],
  descriptors: [undefined, null, 1, {}, ['1'], [-1], [1.5], [{}], Array(254).fill(0), Uint8Array.of(1)],
  strings: [undefined, null, 'x', {}, [1], ['a\0b'], [undefined], Uint8Array.of(1)],
  boolean: [undefined, null, 0, 'true', {}],
};

const functions = addon as unknown as Record<string, (...values: unknown[]) => unknown>;
function call(name: string, values: unknown[]): unknown {
  const found = functions[name];
  assert.ok(found, name);
  return found(...values);
}

describe('the addon', () => {
  it('has a signature here for every function', () => {
    assert.deepEqual(Object.keys(addon).sort(), [...Object.keys(signatures), ...withoutArguments].sort());
  });
  for (const [name, kinds] of Object.entries(signatures))
    it(`${name} refuses wrong arguments`, () => {
      assert.throws(() => call(name, []), TypeError);
      for (const [index, kind] of kinds.entries())
        for (const value of wrong[kind]) {
          const values: unknown[] = kinds.map((other) => right[other]);
          values[index] = value;
          assert.throws(() => call(name, values), TypeError, `${name}, argument ${index}: ${String(value)}`);
        }
    });
  it('survives any arguments that cannot be right', () => {
    // The first is never right for any function, so nothing is done to the machine.
    const never = fc.oneof(fc.constant(undefined), fc.object(), fc.double({ min: 0.1, max: 0.9 }), fc.bigInt());
    const names = fc.constantFrom(...Object.keys(signatures));
    fc.assert(
      fc.property(names, never, fc.array(fc.anything(), { maxLength: 12 }), (name, first, rest) => {
        assert.throws(() => call(name, [first, ...rest]), TypeError);
      }),
      { numRuns: 2000 },
    );
  });
  it('survives an array whose elements cannot be read', () => {
    const trap = new Proxy([1], {
      get(target, key) {
        if (key === '0') throw new RangeError('no element for you');
        return Reflect.get(target, key);
      },
    });
    assert.throws(() => call('sendDescriptors', [1, Uint8Array.of(1), trap]));
    assert.throws(() => call('spawnProcess', ['/bin/true', trap, [], -1, -1, -1]));
  });
});

describe('readable flags', () => {
  it('become bits, in any order, once each', () => {
    assert.equal(bitsOf({ a: 1, b: 4, c: 4 }, ['b', 'a', 'b', 'c'], 'flags'), 5);
    assert.equal(bitsOf({ a: 1 }, [], 'flags'), 0);
  });
  it('are refused by name', async () => {
    await assert.rejects(
      mount({ source: 'x', target: '/x', flags: ['readonly', 'toString' as 'bind'] }),
      /TypeError: cannot use argument 'flags': 'toString' is none of readonly, nosuid/,
    );
    await assert.rejects(unmount('/x', 'detach' as unknown as []), TypeError);
    assert.throws(() => reboot('explode' as 'halt'), TypeError);
  });
});

describe('signal names', () => {
  it('go to numbers and back', () => {
    for (let number = 1; number <= 64; number += 1) {
      const name = signalName(number);
      if (!/^SIG\d+$/.test(name)) assert.equal(signalNumber(name), number, name);
    }
    assert.equal(signalNumber('SIGRTMIN+3'), 37);
    assert.equal(signalNumber('SIGRTMAX-1'), 63);
    assert.equal(signalName(30), 'SIGPWR');
  });
  it('are refused when there is none', () => {
    for (const name of ['', 'TERM', 'SIGRTMIN+31', 'SIGRTMAX+1', 'SIGRTMIN-1', 'toString', 'SIGTERM '])
      assert.throws(() => signalNumber(name), TypeError, name);
  });
});
