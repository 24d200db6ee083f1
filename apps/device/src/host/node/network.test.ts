import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { createNetwork } from './network.ts';

const run = promisify(execFile);
const name = `nh${process.pid}`.slice(0, 15);
const skip = process.getuid?.() === 0 ? false : 'needs root';
const options = { skip, timeout: 30_000 };

it('network: makes a bridge once, gives it an address, removes it', options, async () => {
  const network = createNetwork();
  try {
    assert.equal(await network.ensureBridge(name), true);
    assert.equal(await network.ensureBridge(name), false);
    await network.setAddress(name, '10.255.254.1', 24);
    await network.setAddress(name, '10.255.254.1', 24);
    await network.setUp(name);
    await network.setUp(name);
    assert.equal(Number(readFileSync(`/sys/class/net/${name}/flags`, 'utf8')) & 1, 1);
    assert.equal(networkInterfaces()[name]?.find(({ family }) => family === 'IPv4')?.cidr, '10.255.254.1/24');
  } finally {
    await network.removeBridge(name);
  }
  assert.equal(existsSync(`/sys/class/net/${name}`), false);
  await assert.rejects(network.removeBridge(name), { code: 'ENODEV', path: name });
  await assert.rejects(network.setUp(name), { code: 'ENODEV' });
  await assert.rejects(network.setAddress(name, '10.255.254.1', 24), { code: 'ENODEV' });
});

it('network: does not take another interface for a bridge', options, async () => {
  const network = createNetwork();
  await run('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`.slice(-15)]);
  try {
    await assert.rejects(network.ensureBridge(name), /cannot make bridge .* is no bridge/);
  } finally {
    await run('ip', ['link', 'delete', name]);
  }
});
