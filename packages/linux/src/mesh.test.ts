/** Sockets and files of processes with other roots: what the service mesh is made of. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { copyDevice, openBelow } from './files.ts';
import {
  acceptUnix,
  connectAs,
  finishSocket,
  listenUnix,
  peerCredentials,
  receiveDescriptors,
  sendDescriptors,
  socketPair,
  waitWritable,
} from './socket.ts';

/** O_PATH */
const pathOnly = 0o10000000;

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(`${tmpdir()}/linux-`);
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

describe('sockets for other roots and users', () => {
  const asRoot = { skip: process.getuid?.() === 0 ? false : 'needs root' };

  it('listens with exactly the mode, and accepts without waiting', (t: TestContext) => {
    const directory = temporaryDirectory(t);
    const listener = listenUnix(`${directory}/s`, 0o666);
    t.after(() => closeSync(listener));
    assert.equal(statSync(`${directory}/s`).mode & 0o7777, 0o666);
    assert.throws(() => acceptUnix(listener), { code: 'EAGAIN' });
    assert.throws(() => listenUnix(`${directory}/s`, 0o666), { code: 'EADDRINUSE' });
    assert.throws(() => listenUnix(`/${'x'.repeat(107)}`, 0o666), { code: 'ENAMETOOLONG' });
  });

  it('connects as another user, who is told to the server, and is root again', asRoot, (t: TestContext) => {
    const directory = temporaryDirectory(t);
    chmodSync(directory, 0o755);
    const listener = listenUnix(`${directory}/s`, 0o777);
    const found = openSync(`${directory}/s`, pathOnly);
    const client = connectAs(`/proc/self/fd/${found}`, 4711);
    const server = acceptUnix(listener);
    t.after(() => {
      for (const each of [listener, found, client, server]) closeSync(each);
    });
    assert.equal(peerCredentials(server).uid, 4711);
    assert.match(readFileSync('/proc/thread-self/status', 'utf8'), /^Uid:\t0\t0\t0\t0$/m);
  });

  it('lets the other end read the end, and still hears it', async (t: TestContext) => {
    const [one, other] = socketPair();
    t.after(() => {
      for (const each of [one, other]) closeSync(each);
    });
    await waitWritable(one);
    finishSocket(one);
    assert.equal(receiveDescriptors(other).bytes.length, 0);
    sendDescriptors(other, Uint8Array.of(1), []);
    assert.deepEqual(receiveDescriptors(one).bytes, Uint8Array.of(1));
  });

  it('finds files below a directory, wherever links lead', (t: TestContext) => {
    const directory = temporaryDirectory(t);
    mkdirSync(`${directory}/etc`);
    symlinkSync('/etc', `${directory}/link`);
    const root = openSync(directory, pathOnly);
    const found = openBelow(root, '/link/../../etc', pathOnly);
    t.after(() => {
      for (const each of [root, found]) closeSync(each);
    });
    assert.equal(readlinkSync(`/proc/self/fd/${found}`), `${directory}/etc`);
    assert.throws(() => openBelow(root, '/etc/passwd', pathOnly), { code: 'ENOENT' });
  });

  it('copies a device node with its owner and mode', asRoot, (t: TestContext) => {
    const directory = temporaryDirectory(t);
    const device = openSync('/dev/null', pathOnly);
    t.after(() => closeSync(device));
    copyDevice(device, `${directory}/n`);
    const [from, to] = [statSync('/dev/null'), statSync(`${directory}/n`)];
    assert.deepEqual([to.rdev, to.mode, to.uid, to.gid], [from.rdev, from.mode, from.uid, from.gid]);
  });
});
