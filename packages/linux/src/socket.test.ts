import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import {
  connectUnix,
  peerCredentials,
  receiveDescriptors,
  sendDescriptors,
  socketPair,
  waitReadable,
} from './socket.ts';

const timeout = 30_000;

function closeIfOpen(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // A test that is about closing has done it.
  }
}

function withPair(body: (left: number, right: number) => void | Promise<void>) {
  return async () => {
    const [left, right] = socketPair();
    try {
      await body(left, right);
    } finally {
      closeIfOpen(left);
      closeIfOpen(right);
    }
  };
}

describe('unix sockets', () => {
  it(
    'tell who is at the other end',
    withPair((left) => {
      const { pid, uid, gid } = peerCredentials(left);
      assert.deepEqual({ pid, uid, gid }, { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
    }),
  );
  it('tell who connected to a server', { timeout }, async () => {
    const name = `@linux-socket-test-${process.pid}`;
    const server = createServer().listen({ path: name.replace('@', '\0') });
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const descriptor = connectUnix(name);
      assert.equal(peerCredentials(descriptor).pid, process.pid);
      closeSync(descriptor);
    } finally {
      server.close();
    }
  });
  it('are refused when they cannot be', () => {
    assert.throws(() => connectUnix('/no/such/socket'), {
      code: 'ENOENT',
      path: '/no/such/socket',
      syscall: 'connect',
    });
    assert.throws(() => connectUnix(`/${'x'.repeat(107)}`), { code: 'ENAMETOOLONG' });
    assert.throws(() => connectUnix(''), { code: 'EINVAL' });
    const file = openSync('/dev/null', 'r');
    try {
      assert.throws(() => peerCredentials(file), { code: 'ENOTSOCK' });
      assert.throws(() => sendDescriptors(file, Uint8Array.of(1), []), { code: 'ENOTSOCK' });
      assert.throws(() => receiveDescriptors(file), { code: 'ENOTSOCK' });
    } finally {
      closeSync(file);
    }
  });
  it(
    'pass descriptors in both directions',
    withPair((left, right) => {
      const folder = mkdtempSync(`${tmpdir()}/linux-socket-`);
      try {
        writeFileSync(`${folder}/f`, 'content');
        for (const [from, to] of [
          [left, right],
          [right, left],
        ] as const) {
          const file = openSync(`${folder}/f`, 'r');
          const { ino } = fstatSync(file);
          assert.equal(sendDescriptors(from, Buffer.from('take this'), [file, file]), 9);
          closeSync(file);
          const { bytes, descriptors, truncated } = receiveDescriptors(to);
          assert.equal(Buffer.from(bytes).toString(), 'take this');
          assert.equal(truncated, false);
          assert.equal(descriptors.length, 2);
          const buffer = Buffer.alloc(20);
          assert.equal(readSync(descriptors[0]!, buffer), 7);
          for (const descriptor of descriptors) {
            assert.equal(fstatSync(descriptor).ino, ino);
            closeSync(descriptor);
          }
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
  );
  it(
    'pass as many descriptors as the kernel allows, and data alone',
    withPair((left, right) => {
      sendDescriptors(left, Uint8Array.of(1), Array(253).fill(left));
      const { descriptors } = receiveDescriptors(right);
      assert.equal(descriptors.length, 253);
      for (const descriptor of descriptors) closeSync(descriptor);
      sendDescriptors(left, Uint8Array.of(1, 2, 3), []);
      assert.deepEqual(receiveDescriptors(right, 2).bytes, Uint8Array.of(1, 2));
      assert.deepEqual(receiveDescriptors(right, 2), { bytes: Uint8Array.of(3), descriptors: [], truncated: false });
    }),
  );
  it(
    'say when there is nothing yet, when all is said, and when nobody listens',
    { timeout },
    withPair(async (left, right) => {
      assert.throws(() => receiveDescriptors(right), { code: 'EAGAIN', syscall: 'recvmsg' });
      const readable = waitReadable(right);
      sendDescriptors(left, Uint8Array.of(7), []);
      await readable;
      assert.deepEqual(receiveDescriptors(right).bytes, Uint8Array.of(7));
      closeSync(left);
      await waitReadable(right);
      assert.equal(receiveDescriptors(right).bytes.length, 0);
      assert.throws(() => sendDescriptors(right, Uint8Array.of(1), []), { code: 'EPIPE' });
    }),
  );
});
