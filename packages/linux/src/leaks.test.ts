/** Ten thousand calls, failed ones included, must leave no descriptor and no memory behind. */
import assert from 'node:assert/strict';
import { closeSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { rename, statfs, syncDirectory } from './files.ts';
import { attachLoop } from './loop.ts';
import { mount, unmount } from './mount.ts';
import { openProcess, processInfo, reapProcess, spawnProcess } from './process.ts';
import {
  connectUnix,
  peerCredentials,
  receiveDescriptors,
  sendDescriptors,
  socketPair,
  waitReadable,
} from './socket.ts';

const timeout = 120_000;
const calls = 10_000;
/** A leak of a hundred bytes a call would show in every round; the heap's own growth comes to rest after a few. */
const mostGrowth = 100 * calls;
const mostRounds = 10;

const descriptors = () => readdirSync('/proc/self/fd').length;
setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

async function measure(step: (index: number) => Promise<void> | void): Promise<void> {
  await step(0);
  const open = descriptors();
  let growth = Number.POSITIVE_INFINITY;
  for (let round = 0; round < mostRounds && growth >= mostGrowth; round += 1) {
    collect();
    const memory = process.memoryUsage.rss();
    for (let index = 0; index < calls; index += 1) await step(index);
    collect();
    growth = process.memoryUsage.rss() - memory;
    assert.equal(descriptors(), open);
  }
  assert.ok(growth < mostGrowth, `each of ${mostRounds} times ${calls} calls took memory, the last ${growth} bytes`);
}

const failing = async (promise: Promise<unknown>) => {
  await assert.rejects(promise);
};

describe('ten thousand calls leave nothing behind', () => {
  it('asynchronous ones', { timeout }, () =>
    measure(async () => {
      await statfs('/proc');
      await failing(statfs('/no/such'));
    }),
  );
  it('asynchronous ones that fail on their way', { timeout }, () =>
    measure(async (index) => {
      const steps = [
        () => mount({ source: 'x', target: '/no/such', type: 'tmpfs', data: 'size=1m' }),
        () => unmount('/no/such'),
        () => rename('/no/such', '/no/such/either', ['exchange']),
        () => syncDirectory('/dev/null'),
        () => attachLoop('/no/such', { readOnly: true }),
      ];
      await failing(steps[index % steps.length]!());
    }),
  );
  it('wrong arguments', { timeout }, () =>
    measure(async () => {
      await failing(mount({ source: '/a', target: 'with\0nul', type: 'b' }));
      assert.throws(() => spawnProcess('/bin/true', ['a', 'b', 'c\0'], { A: 'b' }));
    }),
  );
  it('descriptors passed and sockets asked', { timeout }, () => {
    const [left, right] = socketPair();
    return measure(() => {
      sendDescriptors(left, Uint8Array.of(1, 2, 3), [left, right]);
      for (const descriptor of receiveDescriptors(right).descriptors) closeSync(descriptor);
      assert.throws(() => receiveDescriptors(right));
      assert.throws(() => connectUnix('/no/such'));
      peerCredentials(left);
    }).finally(() => {
      closeSync(left);
      closeSync(right);
    });
  });
  it('waits', { timeout }, () => {
    const [left, right] = socketPair();
    return measure(async (index) => {
      const waits = [waitReadable(right), waitReadable(right)];
      sendDescriptors(left, Uint8Array.of(index & 255), []);
      await Promise.all(waits);
      receiveDescriptors(right);
    }).finally(() => {
      closeSync(left);
      closeSync(right);
    });
  });
  it('processes looked at', { timeout }, () =>
    measure(() => {
      const descriptor = openProcess(process.pid);
      processInfo(descriptor);
      closeSync(descriptor);
      assert.throws(() => openProcess(2 ** 31 - 1));
    }),
  );
  it('programs (a few hundred of them)', { timeout }, async () => {
    const before = descriptors();
    for (let index = 0; index < 300; index += 1) {
      const child = spawnProcess('/bin/true', ['true'], {});
      await waitReadable(child.descriptor);
      assert.deepEqual(reapProcess(child.descriptor), { code: 0 });
      closeSync(child.descriptor);
      assert.throws(() => spawnProcess('/no/such', ['x'], {}));
    }
    // The watcher's own two, once it runs.
    assert.ok(descriptors() - before <= 2);
  });
});
