/** The runner of machines, on Debian's kernel and a busybox: console, keys, ends, time-outs, forwarded ports. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type CpioEntry,
  cpioArchive,
  debianKernel,
  moduleIndex,
  modulesWithDependencies,
} from '@pantavisor/images/debian';
import { Machine, type MachineOptions } from '@pantavisor/images/qemu';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { debianCache, gzip, machineMissing, startMachine, watch } from './harness.ts';

const skip = machineMissing();

const init = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
ip addr add 10.0.2.15/24 dev eth0 && ip link set eth0 up
nc -l -p 8080 -e /bin/hello &
# Who calls before it listens is hung up on: 8080 is 1F90.
until grep -q ":1F90 " /proc/net/tcp*; do :; done
echo "runner: up"
while read -r word; do
  case $word in
    off) poweroff -f ;;
    again) reboot -f ;;
    *) echo "runner: heard $word" ;;
  esac
done
`;

async function options(t: TestContext): Promise<MachineOptions> {
  const kernel = await debianKernel('amd64', debianCache);
  const file = (content: string | Uint8Array): CpioEntry => ({
    kind: 'file',
    mode: 0o755,
    content: typeof content === 'string' ? new TextEncoder().encode(content) : content,
  });
  const entries = new Map<string, CpioEntry>([
    ['init', file(init)],
    ['bin/busybox', file(readFileSync('/bin/busybox'))],
    ['bin/hello', file('#!/bin/sh\necho hello from inside\n')],
    ['dev/console', { kind: 'character-device', mode: 0o600, major: 5, minor: 1 }],
  ]);
  for (const applet of ['sh', 'mount', 'cat', 'grep', 'insmod', 'ip', 'nc', 'poweroff', 'reboot'])
    entries.set(`bin/${applet}`, { kind: 'link', target: 'busybox' });
  for (const folder of ['proc', 'sys']) entries.set(folder, { kind: 'directory', mode: 0o755 });
  const modules = modulesWithDependencies(await moduleIndex(kernel.release, kernel.modules), [
    'virtio_pci',
    'virtio_net',
  ]);
  for (const path of modules) entries.set(`modules/${basename(path)}`, file(readFileSync(join(kernel.modules, path))));
  entries.set('modules/order', file(modules.map((path) => basename(path)).join('\n')));
  const initrd = join(temporaryDirectory(t), 'initrd');
  writeFileSync(initrd, gzip(cpioArchive(entries)));
  return {
    architecture: 'x86_64',
    memory: 128,
    boot: { kind: 'kernel', kernel: kernel.image, initrd, commandLine: 'console=ttyS0 panic=-1 quiet' },
    forwards: [{ guest: 8080, host: 0 }],
  };
}

test('a machine boots, hears keys, is reached over the network and powers off', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const machine = await startMachine(t, await options(t), 240);
  await machine.console.waitFor(/runner: up/);
  const mark = machine.console.mark;
  machine.console.send('word\n');
  await machine.console.waitFor(/runner: heard word/, { from: mark });
  assert.equal(await text(connect({ host: '127.0.0.1', port: await machine.port(8080) })), 'hello from inside\n');
  await assert.rejects(machine.port(1), /cannot reach port 1 of the machine: it is not forwarded/);
  machine.console.send('off\n');
  assert.deepEqual(await machine.ended, { reason: 'power-off', messages: '' });
  await assert.rejects(machine.console.waitFor(/never/), /the machine ended \(power-off\)[\s\S]*runner: heard word/);
});

test('a reset ends QEMU, or starts the machine anew, in the same QEMU or in another one', {
  skip,
  timeout: 600_000,
}, async (t) => {
  const wanted = await options(t);
  const once = await startMachine(t, wanted, 240);
  await once.console.waitFor(/runner: up/);
  once.console.send('again\n');
  assert.equal((await once.ended).reason, 'reset');
  const twice = await startMachine(t, { ...wanted, onReset: 'reset' }, 240);
  await twice.console.waitFor(/runner: up/);
  const mark = twice.console.mark;
  twice.console.send('again\n');
  await twice.console.waitFor(/runner: up/, { from: mark });
  assert.equal((await twice.kill()).reason, 'killed');

  const left = [wanted];
  const another = await Machine.start(wanted, { seconds: 240 }, async () => {
    return left.pop() ?? assert.fail('cannot boot: nothing is left');
  });
  watch(t, another);
  await another.console.waitFor(/runner: up/);
  const [port, { pid }] = [await another.port(8080), another];
  another.console.send('again\n');
  await another.console.waitFor(/runner: up[\s\S]*runner: up/);
  assert.notEqual(another.pid, pid);
  assert.equal(await another.port(8080), port);
  assert.equal(await text(connect({ host: '127.0.0.1', port })), 'hello from inside\n');
  another.console.send('again\n');
  assert.deepEqual(await another.ended, { reason: 'failed', messages: 'cannot boot: nothing is left' });
});

test('the hard time-out kills a machine that does nothing', { skip, timeout: 60_000 }, async (t) => {
  const machine = await startMachine(t, { ...(await options(t)), boot: { kind: 'bios' } }, 1);
  await assert.rejects(machine.console.waitFor(/never/), /the machine ended \(timeout\)/);
  assert.equal((await machine.ended).reason, 'timeout');
});

test('a machine that QEMU refuses says why', { skip, timeout: 60_000 }, async (t) => {
  const machine = await startMachine(t, { ...(await options(t)), extra: ['-device', 'no-such-device'] });
  const asked = assert.rejects(machine.port(1), /cannot/);
  const { reason, messages } = await machine.ended;
  assert.equal(reason, 'failed');
  assert.match(messages, /no-such-device/);
  await asked;
});

test('a machine dies with whoever started it, also when that is killed', { skip, timeout: 60_000 }, async () => {
  const module = fileURLToPath(new URL('../../images/src/qemu/index.ts', import.meta.url));
  const script = `
    import { Machine } from ${JSON.stringify(module)};
    const machine = await Machine.start({ architecture: 'x86_64', memory: 32, boot: { kind: 'bios' } }, { seconds: 50 });
    console.log(machine.pid);
  `;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(owner.stdout, 'data')) as [Buffer];
  const pid = Number(chunk.toString());
  assert.ok(existsSync(`/proc/${pid}`));
  owner.kill('SIGKILL');
  while (existsSync(`/proc/${pid}/exe`)) await new Promise((resolve) => setTimeout(resolve, 20));
});

test('a program that is not installed is named', { skip }, async () => {
  const path = process.env.PATH;
  process.env.PATH = '/nowhere';
  try {
    const attempt = Machine.start({ architecture: 'aarch64', memory: 1, boot: { kind: 'bios' } }, { seconds: 1 });
    await assert.rejects(attempt, /cannot find qemu-system-aarch64; install the Debian package qemu-system-arm/);
  } finally {
    process.env.PATH = path;
  }
});
