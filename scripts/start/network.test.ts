import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseNetwork, NetworkClaims } from './network.ts';

const free = () => true;

test('an unused machine gets the original’s bridge', () => {
  const inUse = { interfaces: ['lo', 'eth0'], subnets: ['127.0.0.1/8', '192.0.2.2/24'] };
  assert.deepEqual(chooseNetwork(inUse, free), { bridge: 'lxcbr0', prefix: '10.0.3' });
});

for (const { what, interfaces = [], subnets = [] } of [
  { what: 'a bridge of that name', interfaces: ['lxcbr0'] },
  { what: 'the same subnet', subnets: ['10.0.3.1/24'] },
  { what: 'a part of it', subnets: ['10.0.3.128/25'] },
  { what: 'one address of it', subnets: ['10.0.3.77'] },
] as { what: string; interfaces?: string[]; subnets?: string[] }[]) {
  test(`is avoided when in use: ${what}`, () => {
    assert.deepEqual(chooseNetwork({ interfaces, subnets }, free), { bridge: 'pvbr4', prefix: '10.0.4' });
  });
}

test('a larger network that contains candidates is left behind as a whole', () => {
  const { prefix } = chooseNetwork({ interfaces: [], subnets: ['10.0.0.0/20'] }, free);
  assert.equal(prefix, '10.0.16');
});

test('a default route shares nothing', () => {
  assert.equal(chooseNetwork({ interfaces: [], subnets: ['0.0.0.0/0'] }, free).prefix, '10.0.3');
});

test('a machine without a free network is told so', () => {
  assert.throws(() => chooseNetwork({ interfaces: [], subnets: ['10.0.0.0/8'] }, free), /cannot find a free network/);
});

test('a network claimed by a running process is skipped, one of a process that is gone is taken over', () => {
  const directory = mkdtempSync(join(tmpdir(), 'network-test-'));
  try {
    mkdirSync(directory, { recursive: true });
    const gone = spawnSync('true').pid;
    writeFileSync(join(directory, 'lxcbr0'), String(process.pid));
    writeFileSync(join(directory, 'pvbr4'), String(gone));
    const claims = new NetworkClaims(directory);
    const network = chooseNetwork({ interfaces: [], subnets: [] }, (candidate) => claims.take(candidate));
    assert.equal(network.bridge, 'pvbr4');
    claims.release();
    assert.deepEqual(readdirSync(directory), ['lxcbr0'], 'only one’s own claim is given back');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
