/** The tools of the initramfs that containers' networks and people need, with a kernel that has address translation. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { atEnd } from '../../harness/cleanup.ts';
import { probeContainer } from '../../harness/revision.ts';
import { bootFiles, storageDisk } from '../device-image.ts';
import { machineMissing, startMachine } from '../harness.ts';

test('a container on a bridge of the device reaches the world through its address', {
  skip: machineMissing(),
  timeout: 900_000,
}, async (t) => {
  const server = createServer((_, answer) => answer.end('hello from outside\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => void server.close());
  const { port } = server.address() as AddressInfo;
  const pool = { type: 'bridge', bridge: 'lxcbr0', subnet: '10.0.3.0/24', gateway: '10.0.3.1', nat: true };
  const inside = probeContainer('inside', ['init'], { network: { hostNumber: 5 } });
  const disk = await storageDisk(t, [inside], {
    edit: ({ state }) => {
      Object.assign(state['device.json'] as object, { network: { pools: { pvcnet: pool } } });
    },
  });
  const { kernel, initrd } = await bootFiles();
  const { console, ended } = await startMachine(t, {
    architecture: 'x86_64',
    memory: 256,
    boot: { kind: 'kernel', kernel, initrd, commandLine: 'console=ttyS0 panic=-1 pv_debug' },
    disks: [{ file: disk }],
    forwards: [],
  });
  await console.waitFor(/setup NAT \(iptables\) for pool pvcnet/);
  await console.waitFor(/pantavisor: ready socket/);
  console.send('ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2\n');
  console.send(`pventer -c inside wget -q -O - http://10.0.2.2:${port}/; poweroff\n`);
  assert.equal((await ended).reason, 'power-off');
  assert.match(console.text, /^hello from outside$/m);
});
