/** The static executable copied alone into an empty root: no libc, no shell, no LXC, nothing but /proc. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { atEnd, temporaryDirectory } from '../harness/cleanup.ts';

const run = promisify(execFile);
/** Bytes. */
const largest = 2_000_000;
const skip = process.getuid?.() !== 0 ? 'needs root for a root of its own' : false;

test('one file in an empty root is the runtime and its tools', { skip, timeout: 300_000 }, async (t) => {
  const executable = execFileSync(process.execPath, ['apps/device/build-small.ts'], { encoding: 'utf8' }).trim();
  // docs/small-host.md; what does not fit has to earn its place, or something else has to go.
  const { size } = statSync(executable);
  assert.ok(size <= largest, `it has ${size} bytes, of ${largest} at most`);
  const root = temporaryDirectory(t);
  copyFileSync(executable, `${root}/pantavisor`);
  for (const tool of ['pvcontrol', 'pvcurl', 'pventer', 'pvtx']) symlinkSync('pantavisor', `${root}/${tool}`);
  for (const name of ['proc', 'tmp', 'run']) mkdirSync(`${root}/${name}`);
  writeFileSync(`${root}/state.json`, '{"#spec":"pantavisor-service-system@1"}');
  // In a mount namespace of its own /proc goes with the last process.
  const script = `mount -t proc proc ${root}/proc && exec chroot ${root} "$@"`;
  const inside = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'];
  const environment = { PATH: process.env.PATH, PV_NET_BRDEV: '' };
  const ask = async (...argv: string[]) =>
    (await run('unshare', [...inside, ...argv], { env: environment, timeout: 60_000 })).stdout;

  assert.match(await ask('/pantavisor', '--version'), /^version: \S+\nhost: small, /);
  assert.match(await ask('/pantavisor', '--help'), /Exit codes:/);
  assert.match(await ask('/pventer', '--help'), /^Usage: pventer /);
  assert.match(await ask('/pvtx', '--help'), /^Usage: pvtx /);

  const argv = ['/pantavisor', '--storage', '/storage', '--state', '/state.json', '--objects', '/tmp'];
  const device = spawn('unshare', [...inside, ...argv], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(device, 'exit');
  atEnd(t, async () => {
    device.kill('SIGKILL');
    await ended;
  });
  const lines = createInterface({ input: device.stdout });
  const [ready] = await Promise.race([
    once(lines, 'line'),
    ended.then(([code]) => assert.fail(`ended with ${code} before it was ready`)),
  ]);
  const socket = /^ready socket=(\/run\/\S+)$/.exec(ready)?.[1] ?? assert.fail(ready);
  assert.equal(await ask('/pvcontrol', '-s', socket, 'ls'), '[]\n');
  assert.match(await ask('/pvcontrol', '-s', socket, 'steps', 'ls'), /"name":"0"/);
  assert.match(await ask('/pvcurl', '--unix-socket', socket, '-w', '\\n%{http_code}', '/containers'), /^\[\]\n200$/);
  device.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
