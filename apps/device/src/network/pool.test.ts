import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  broadcastOf,
  contains,
  formatAddress,
  hardwareAddressOf,
  parseAddress,
  parseSubnet,
  prefixLengthOfMask,
} from './ipv4.ts';
import { leaseNext, leaseStatic, openBook, type Pool, type PoolBook, readPool, release } from './pool.ts';

const anyAddress = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test('addresses read back as they were written', () => {
  fc.assert(fc.property(anyAddress, (address) => parseAddress(formatAddress(address)) === address));
  for (const text of ['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '1.2.3.4 ', 'a.b.c.d', '-1.2.3.4'])
    assert.equal(parseAddress(text), undefined, text);
});

test('a subnet contains exactly the addresses between its base and its broadcast address', () => {
  fc.assert(
    fc.property(anyAddress, fc.integer({ min: 0, max: 32 }), anyAddress, (address, length, other) => {
      const subnet = parseSubnet(`${formatAddress(address)}/${length}`)!;
      const shift = 2 ** (32 - length);
      assert.equal(contains(subnet, other), Math.floor(other / shift) === Math.floor(address / shift));
      assert.ok(contains(subnet, broadcastOf(subnet)));
    }),
  );
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/-1'])
    assert.equal(parseSubnet(text), undefined);
});

test('netmasks are read only when their ones are in front', () => {
  assert.equal(prefixLengthOfMask('255.255.255.0'), 24);
  assert.equal(prefixLengthOfMask('0.0.0.0'), 0);
  assert.equal(prefixLengthOfMask('255.255.255.255'), 32);
  assert.equal(prefixLengthOfMask('255.0.255.0'), undefined);
});

test('hardware addresses follow from the address', () => {
  assert.equal(hardwareAddressOf(parseAddress('10.0.5.2')!), '02:00:0a:00:05:02');
});

const internal = readPool({
  name: 'internal',
  type: 'bridge',
  bridge: 'pvbr0',
  subnet: '10.0.5.0/24',
  gateway: '10.0.5.1',
  nat: true,
}) as Pool;

/** The successful outcome, or a failed test. */
function granted<T>(outcome: T | string): T {
  assert.equal(typeof outcome, 'object', String(outcome));
  return outcome as T;
}

test('addresses are handed out in order after the gateway, and a holder keeps its own', () => {
  const first = granted(leaseNext(openBook(internal), 'a'));
  const second = granted(leaseNext(first.book, 'b'));
  assert.deepEqual([first.address, second.address].map(formatAddress), ['10.0.5.2', '10.0.5.3']);
  assert.equal(granted(leaseNext(second.book, 'a')).address, first.address);
});

test('an address given back is not handed out again at once', () => {
  const first = granted(leaseNext(openBook(internal), 'a'));
  assert.equal(formatAddress(granted(leaseNext(release(first.book, 'a'), 'b')).address), '10.0.5.3');
});

test('static addresses: inside, free, and kept over a restart', () => {
  const book = openBook(internal);
  const { book: next, address } = granted(leaseStatic(book, 'a', '10.0.5.50/24'));
  assert.equal(formatAddress(address), '10.0.5.50');
  assert.equal(granted(leaseStatic(next, 'a', '10.0.5.50')).address, address);
  assert.equal(leaseStatic(next, 'b', '10.0.5.50'), 'address-taken');
  assert.equal(leaseStatic(book, 'a', '10.0.6.1'), 'address-outside');
  assert.equal(leaseStatic(book, 'a', 'x'), 'address-invalid');
  for (const reserved of ['10.0.5.0', '10.0.5.1', '10.0.5.255'])
    assert.equal(leaseStatic(book, 'a', reserved), 'address-reserved');
});

test('a /30 with the gateway in front has one address', () => {
  const pool = readPool({
    name: 'p',
    type: 'bridge',
    bridge: 'b',
    subnet: '10.0.5.0/30',
    gateway: '10.0.5.1',
    nat: false,
  });
  const first = granted(leaseNext(openBook(pool as Pool), 'a'));
  assert.equal(leaseNext(first.book, 'b'), 'pool-exhausted');
});

test('pools that cannot be used say why', () => {
  const source = {
    name: 'p',
    type: 'bridge' as const,
    bridge: 'b',
    subnet: '10.0.5.0/24',
    gateway: '10.0.5.1',
    nat: false,
  };
  assert.equal(readPool({ ...source, type: 'macvlan', parent: 'eth0' }), 'macvlan-not-supported');
  assert.equal(readPool({ ...source, bridge: 'a b' }), 'bridge-missing');
  assert.equal(readPool({ ...source, bridge: 'x'.repeat(16) }), 'bridge-missing');
  assert.equal(readPool({ ...source, subnet: '10.0.5.0' }), 'subnet-invalid');
  assert.equal(readPool({ ...source, gateway: '10.0.5' }), 'gateway-invalid');
  assert.equal(readPool({ ...source, gateway: '10.0.6.1' }), 'gateway-outside');
});

test('no two holders ever have one address, and none is outside, reserved or moved', () => {
  const holder = fc.constantFrom('a', 'b', 'c', 'd');
  const operation = fc.oneof(
    fc.record({ kind: fc.constant('next' as const), holder }),
    fc.record({ kind: fc.constant('static' as const), holder, host: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ kind: fc.constant('release' as const), holder }),
  );
  const pool: Pool = { ...internal, subnet: parseSubnet('10.0.5.0/28')!, gateway: parseAddress('10.0.5.1')! };
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      let book: PoolBook = openBook(pool);
      for (const step of operations) {
        const before = book.leases.get(step.holder);
        if (step.kind === 'release') book = release(book, step.holder);
        else {
          const outcome =
            step.kind === 'next' ? leaseNext(book, step.holder) : leaseStatic(book, step.holder, `10.0.5.${step.host}`);
          if (typeof outcome === 'string') continue;
          if (step.kind === 'next' && before !== undefined) assert.equal(outcome.address, before);
          book = outcome.book;
        }
        const held = [...book.leases.values()];
        assert.equal(new Set(held).size, held.length);
        for (const address of held) {
          assert.ok(contains(pool.subnet, address));
          assert.ok(address !== pool.gateway && address !== pool.subnet.base && address !== broadcastOf(pool.subnet));
        }
      }
    }),
  );
});
