import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, NetworkPool } from '@pantavisor/state';
import { createMemoryHost, type MemoryHost } from '../host/memory/host.ts';
import type { Log } from '../runtime/log.ts';
import { Bridges } from './bridges.ts';
import { parseAddress } from './ipv4.ts';
import { Networks } from './networks.ts';

function notebook(): { lines: string[]; log: Log } {
  const lines: string[] = [];
  return { lines, log: (level, _, message) => void lines.push(`${level} ${message}`) };
}

const pool = (more: Partial<NetworkPool> = {}): NetworkPool => ({
  name: 'internal',
  type: 'bridge',
  bridge: 'pvbr0',
  subnet: '10.0.5.0/24',
  gateway: '10.0.5.1',
  nat: false,
  ...more,
});
const container = (name: string, network: Partial<NonNullable<Container['network']>> = {}) =>
  ({ name, network: { mode: 'pool', pool: 'internal', ...network } }) as Container;

async function networks(pools: NetworkPool[], host = createMemoryHost()) {
  const { lines, log } = notebook();
  const opened = new Networks(new Bridges(host, '/run/bridges', 'aaaa', log), log);
  await opened.open(pools);
  return { opened, lines, host };
}

test('containers of a pool get addresses in order, keep them, and give them back', async () => {
  const { opened, lines } = await networks([pool()]);
  const a = opened.attach(container('a'), false);
  assert.deepEqual(a, {
    bridge: 'pvbr0',
    address: '10.0.5.2/24',
    gateway: '10.0.5.1',
    hardwareAddress: '02:00:0a:00:05:02',
  });
  assert.equal(opened.attach(container('b'), false)?.address, '10.0.5.3/24');
  assert.deepEqual(opened.attach(container('a'), false), a);
  assert.equal(lines.filter((line) => /allocated 10.0.5.2/.test(line)).length, 1);
  opened.release('a');
  assert.match(lines.at(-1) ?? '', /released 10.0.5.2 from a in pool internal/);
  assert.equal(opened.attach({ name: 'free' } as Container, true), undefined);
});

test('static addresses, host names and hardware addresses of the state count', async () => {
  const { opened } = await networks([pool()]);
  const network = { ip: '10.0.5.50', mac: '02:00:00:00:00:01', hostname: 'site' };
  const attached = opened.attach(container('a', network), false);
  assert.equal(attached?.address, '10.0.5.50/24');
  assert.equal(attached?.hardwareAddress, '02:00:00:00:00:01');
  assert.equal(attached?.hostname, 'site');
  assert.throws(() => opened.attach(container('b', { ip: '10.0.5.50' }), false), { code: 'network-address' });
});

test('addresses in other configurations and of containers taken over are kept free', async () => {
  const { opened, lines } = await networks([pool()]);
  opened.reserve('baked', ['10.0.5.2', '192.168.1.1', '10.0.5.1']);
  opened.keep(container('old'), '10.0.5.3');
  assert.equal(opened.attach(container('a'), false)?.address, '10.0.5.4/24');
  assert.equal(opened.attach(container('old'), false)?.address, '10.0.5.3/24');
  assert.ok(lines.some((line) => /WARN static IP 10.0.5.1 of baked/.test(line)));
});

test('a pool that cannot be used fails its containers with the reason', async () => {
  const { opened, lines } = await networks([pool({ type: 'macvlan', parent: 'eth0' })]);
  assert.match(lines.join('\n'), /ERROR cannot use network pool internal: type macvlan/);
  assert.throws(() => opened.attach(container('a'), false), { code: 'network-pool', message: /macvlan/ });
  assert.throws(() => opened.attach(container('a', { pool: 'other' }), false), { message: /no such pool/ });
  const working = await networks([pool()]);
  assert.throws(() => working.opened.attach(container('a'), true), { code: 'network-conflict' });
});

const plan = { name: 'pvbr0', address: parseAddress('10.0.5.1')!, prefixLength: 24 };

test('a bridge of ours goes with its last user', async () => {
  const host = createMemoryHost();
  const { log } = notebook();
  const [one, two] = [new Bridges(host, '/run/bridges', 'one', log), new Bridges(host, '/run/bridges', 'two', log)];
  await one.open(plan);
  await two.open(plan);
  assert.equal(host.machine.bridges.get('pvbr0')?.address, '10.0.5.1/24');
  await one.close();
  assert.ok(host.machine.bridges.has('pvbr0'));
  await two.close();
  assert.ok(!host.machine.bridges.has('pvbr0'));
});

test('a bridge of ours is known as ours after a runtime died, one of others stays', async () => {
  const host: MemoryHost = createMemoryHost();
  const { lines, log } = notebook();
  await new Bridges(host, '/run/bridges', 'one', log).open(plan);
  const next = new Bridges(host, '/run/bridges', 'one', log);
  await next.open(plan);
  await next.close();
  assert.ok(!host.machine.bridges.has('pvbr0'));

  await host.network.ensureBridge('pvbr0');
  const guest = new Bridges(host, '/run/bridges', 'one', log);
  await guest.open(plan);
  await guest.close();
  assert.ok(host.machine.bridges.has('pvbr0'));
  assert.match(lines.join('\n'), /WARN bridge pvbr0 is there already/);
});

test('NAT is a table of its own for each bridge, by nftables or else iptables, or a warning', async () => {
  const nat = { ...plan, nat: { pool: 'internal', subnet: { base: parseAddress('10.0.5.0')!, prefixLength: 24 } } };
  const open = async (works: (argv: string[]) => boolean) => {
    const host = createMemoryHost();
    const calls: { argv: string[]; input?: string | undefined }[] = [];
    const run = async (argv: string[], options?: { input?: string }) => {
      calls.push({ argv, input: options?.input });
      return { code: works(argv) ? 0 : 1, signal: undefined, stdout: '', stderr: '', timedOut: false };
    };
    const { lines, log } = notebook();
    const bridges = new Bridges({ ...host, processes: { ...host.processes, run } }, '/run/bridges', 'one', log);
    await bridges.open(nat);
    await bridges.close();
    return { calls, text: lines.join('\n') };
  };
  const nft = await open(() => true);
  assert.match(nft.text, /setup NAT \(nftables\) for pool internal/);
  assert.match(nft.calls[0]?.input ?? '', /ip saddr 10.0.5.0\/24 oifname != "pvbr0" masquerade/);
  assert.deepEqual(nft.calls.at(-1)?.argv, ['nft', 'delete', 'table', 'ip', 'pantavisor-pvbr0']);
  assert.match((await open(([program]) => program === 'iptables')).text, /setup NAT \(iptables\)/);
  assert.match((await open(() => false)).text, /WARN cannot set up NAT for pool internal/);
});
