import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uuidOf } from '../../../../images/src/disk/identity.ts';
import { dosTable, gptTable, gptTail } from '../../../../images/src/disk/table.ts';
import { liveConfig } from '../config/live.ts';
import { packagedSettings } from '../config/packaged.ts';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import type { MemoryProgram } from '../host/memory/machine.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { startMachine } from './start.ts';

/** A machine just handed over by the kernel: file systems of the kernel, an ext4 disk named `root` on /dev/vda. */
async function machine(settings: Record<string, string> = {}, programs: Record<string, MemoryProgram> = {}) {
  const calls: string[] = [];
  const host = createMemoryHost({ volatile: ['/proc', '/run', '/sys', '/tmp', '/dev'] });
  const note =
    (program: MemoryProgram): MemoryProgram =>
    (argv, options) => {
      calls.push(argv.join(' '));
      return program(argv, options);
    };
  const all: Record<string, MemoryProgram> = {
    findfs: ([, wanted]) => (wanted === 'LABEL=root' ? { stdout: '/dev/vda\n' } : { code: 1 }),
    e2fsck: () => ({}),
    // What it says of a file system that was in use since its last thorough check, unless the kernel is asked to do it.
    resize2fs: async ([, device]) =>
      (await host.mounts.list()).some(({ source }) => source === device)
        ? {}
        : { code: 1, stderr: `Please run 'e2fsck -f ${device}' first.` },
    dumpe2fs: () => ({ code: 1 }),
    '/sbin/modprobe': () => ({}),
    ...programs,
  };
  for (const [name, program] of Object.entries(all)) host.machine.programs.set(name, note(program));
  host.machine.blockDevices.set('/dev/vda', undefined);
  await host.files.makeDirectory('/sys/fs').catch(() => undefined);
  await host.files.makeDirectory('/sys/fs/cgroup').catch(() => undefined);
  await host.network.ensureBridge('lo');
  const store = new ConfigStore([
    ...packagedSettings('embedded'),
    ...Object.entries(settings).map(([name, value]) => ({ name, value, source: 'test' })),
  ]);
  const lines: string[] = [];
  const start = (cmdline = '') =>
    startMachine(host, {
      config: liveConfig(store),
      cmdline,
      storage: '/storage',
      log: (level, text) => void lines.push(`${level} ${text}`),
    });
  const mounts = async () =>
    (await host.mounts.list()).map(({ source, target, type }) => `${type} ${source} ${target}`);
  return { host, calls, lines, start, mounts };
}

/** Ends once the start does, however long it waits. */
async function inTime<T>(host: ReturnType<typeof createMemoryHost>, work: Promise<T>): Promise<T> {
  let done = false;
  const watched = work.finally(() => {
    done = true;
  });
  watched.catch(() => undefined);
  while (!done) await host.advance(200);
  return watched;
}

test('control groups, memory and storage are mounted; a second start changes nothing', async () => {
  const { host, start, mounts, calls, lines } = await machine();
  await inTime(host, start());
  const first = await mounts();
  for (const wanted of [
    'cgroup cgroup /sys/fs/cgroup/pantavisor',
    'cgroup2 cgroup2 /sys/fs/cgroup/unified',
    'ext4 /dev/vda /storage',
  ])
    assert.ok(
      first.some((mount) => mount === wanted),
      `${wanted} in ${first.join(', ')}`,
    );
  assert.ok(first.some((mount) => mount.endsWith(' /root')));
  assert.equal(await host.files.readLink('/sys/fs/cgroup/cpu'), 'cpu,cpuacct');
  assert.deepEqual(calls, ['findfs LABEL=root', 'e2fsck -p /dev/vda', 'resize2fs /dev/vda']);
  assert.deepEqual(lines, []);
  await inTime(host, start());
  assert.deepEqual(await mounts(), first);
  assert.equal(calls.length, 3);
});

test('the storage is waited for, and looked for by the copies of its superblock before it is given up', async () => {
  const looks = ['', '', '', '', '/dev/vda\n'];
  const late = await machine({}, { findfs: () => ({ stdout: looks.shift() ?? '' }) });
  await inTime(late.host, late.start());
  assert.ok(late.lines.includes('INFO waiting for the storage LABEL=root'));

  const never = await machine({ PV_STORAGE_WAIT: '2' }, { findfs: () => ({ code: 1 }) });
  await assert.rejects(inTime(never.host, never.start()), /cannot find the storage LABEL=root within 2 s/);

  const header = (argv: string[]) =>
    argv.includes('superblock=8193') ? { stdout: 'Filesystem volume name:   root\n' } : { code: 1 };
  const lost = await machine({ PV_STORAGE_WAIT: '0' }, { findfs: () => ({ code: 1 }), dumpe2fs: header });
  await makeDirectories(lost.host.files, '/sys/class/block/vda');
  await makeDirectories(lost.host.files, '/sys/class/block/loop0');
  await inTime(lost.host, lost.start());
  assert.ok(lost.calls.includes('e2fsck -f -y -b 8193 -B 1024 /dev/vda'));
  assert.equal(
    lost.calls.some((call) => call.includes('/dev/loop0')),
    false,
  );
  assert.ok((await lost.mounts()).includes('ext4 /dev/vda /storage'));
});

test('a damaged storage is repaired thoroughly, and mounted whatever comes of it', async () => {
  const { host, start, calls, lines, mounts } = await machine(
    {},
    { e2fsck: () => ({ code: 4, stderr: 'UNEXPECTED INCONSISTENCY' }) },
  );
  await inTime(host, start());
  assert.ok(calls.includes('e2fsck -f -y /dev/vda'));
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['ERROR', 'ERROR'],
  );
  assert.ok((await mounts()).includes('ext4 /dev/vda /storage'));
});

test('growth can be left out; a device that cannot be mounted is said with the key to look at', async () => {
  const off = await machine();
  await inTime(off.host, off.start('quiet pv_autogrow=off'));
  assert.equal(off.calls.includes('resize2fs /dev/vda'), false);
  const wrong = await machine({ PV_STORAGE_DEVICE: '/dev/none' });
  await wrong.host.files.write('/dev/none', '');
  await assert.rejects(
    inTime(wrong.host, wrong.start()),
    /cannot mount the storage \/dev\/none \(\/dev\/none\) as ext4/,
  );
});

test('the partition of the storage grows with its disk, before its file system does', async () => {
  const mebibyte = 1024 * 1024;
  const [small, large] = [8 * mebibyte, 16 * mebibyte];
  const place = { name: 'root', kind: 'linux', offset: mebibyte, uuid: uuidOf('test', 'root') } as const;
  const tables = [
    (size: number) => dosTable(size, 7, [{ ...place, size: size - place.offset }]),
    (size: number) => gptTable(size, uuidOf('test', 'disk'), [{ ...place, size: size - place.offset - gptTail }]),
  ];
  for (const table of tables) {
    const onDisk = (size: number) => {
      const bytes = new Uint8Array(large);
      for (const piece of table(size)) bytes.set(piece.bytes, piece.offset);
      return bytes;
    };
    const { host, start, calls, lines } = await machine(
      {},
      {
        findfs: () => ({ stdout: '/dev/vda1\n' }),
        dd: async () => {
          await host.files.write('/run/pantavisor-partition-table', onDisk(small).slice(0, 34 * 512));
          return {};
        },
        blockdev: () => ({}),
      },
    );
    const { files } = host;
    host.machine.blockDevices.set('/dev/vda1', undefined);
    await makeDirectories(files, '/sys/devices/vda/vda1');
    await makeDirectories(files, '/sys/class/block');
    for (const name of ['vda', 'vda/vda1'])
      await files.symlink(`/sys/devices/${name}`, `/sys/class/block/${name.split('/').at(-1)}`);
    await files.write('/sys/devices/vda/vda1/partition', '1\n');
    await files.write('/sys/devices/vda/size', `${large / 512}\n`);
    await files.write('/dev/vda', onDisk(small));
    await files.write('/dev/vda1', '');
    await inTime(host, start());
    assert.deepEqual(calls.slice(2), [
      'dd if=/dev/vda of=/run/pantavisor-partition-table bs=512 count=34',
      'blockdev --rereadpt /dev/vda',
      'resize2fs /dev/vda1',
    ]);
    assert.deepEqual(lines, ['INFO the partition /dev/vda1 reaches to the end of /dev/vda now']);
    const now = await files.read('/dev/vda');
    for (const { offset, bytes } of table(large))
      assert.deepEqual(now.slice(offset, offset + bytes.length), new Uint8Array(bytes), `at ${offset}`);
  }
});

test('logs can lie in memory', async () => {
  const { host, start, mounts } = await machine({ PV_STORAGE_LOGTEMPSIZE: '4m' });
  await inTime(host, start());
  assert.ok((await mounts()).includes('tmpfs tmpfs /storage/logs'));
});

test('modules of devices and of lists are loaded, also for devices that these bring', async () => {
  const { host, start, calls } = await machine(
    {},
    {
      '/sbin/modprobe': async (argv) => {
        if (argv.includes('pci:one')) {
          await makeDirectories(host.files, '/sys/bus/virtio/devices/virtio0');
          await host.files.write('/sys/bus/virtio/devices/virtio0/modalias', 'virtio:d2\n');
        }
        return {};
      },
    },
  );
  const { files } = host;
  await makeDirectories(files, '/lib/modules/6.1.0-memory');
  await files.write('/lib/modules/6.1.0-memory/modules.dep', '');
  await makeDirectories(files, '/etc/modules-load.d');
  await files.write('/etc/modules-load.d/a.conf', '# comment\nloop\n\n');
  await makeDirectories(files, '/sys/bus/pci/devices/0000:00:01.0');
  await files.write('/sys/bus/pci/devices/0000:00:01.0/modalias', 'pci:one\n');
  await inTime(host, start());
  assert.deepEqual(calls.slice(0, 3), [
    '/sbin/modprobe -a -q -b loop',
    '/sbin/modprobe -a -q -b pci:one',
    '/sbin/modprobe -a -q -b virtio:d2',
  ]);
});

test('the kernel is told of the program that takes crashes, where there is one', async () => {
  const { host, start } = await machine();
  await makeDirectories(host.files, '/proc/sys/kernel');
  await host.files.write('/proc/sys/kernel/core_pattern', 'core\n');
  await inTime(host, start());
  assert.equal(await host.files.readText('/proc/sys/kernel/core_pattern'), 'core\n');
  await makeDirectories(host.files, '/lib/pv');
  await host.files.write('/lib/pv/pvcrash', '#!/bin/sh\n', { mode: 0o755 });
  await inTime(host, start());
  assert.equal(await host.files.readText('/proc/sys/kernel/core_pattern'), '|/lib/pv/pvcrash --skip %P %s %e\n');
});

test('in mode standalone nothing is mounted', async () => {
  const { host, start, mounts, calls } = await machine({ PV_SYSTEM_INIT_MODE: 'standalone' });
  const before = await mounts();
  await inTime(host, start());
  assert.deepEqual(await mounts(), before);
  assert.deepEqual(calls, []);
});

test('a module for the storage, a table of mounts, a file system of security, and early programs, once', async () => {
  const settings = {
    PV_SYSTEM_LIBDIR: '/usr/lib/pantavisor',
    PV_SYSTEM_DRIVERS_LOAD_EARLY_AUTO: '1',
    PV_SYSTEM_MOUNT_SECURITYFS: '1',
  };
  const started: string[] = [];
  const { host, calls, start, mounts, lines } = await machine(settings, {
    modprobe: () => ({}),
    mount: () => ({}),
    sh: ([, , , path = '']) => {
      started.push(path);
      return {};
    },
  });
  const { files } = host;
  const early = '/usr/lib/pantavisor/pv/hooks_early.spawn';
  await makeDirectories(files, early);
  await makeDirectories(files, '/etc');
  await files.write('/etc/fstab', '');
  await files.write(`${early}/b`, '', { mode: 0o755 });
  await files.write(`${early}/a`, '', { mode: 0o755 });
  await files.write(`${early}/README`, '', { mode: 0o644 });
  await inTime(host, start());
  await inTime(host, start());
  assert.deepEqual(started, [`${early}/a`, `${early}/b`], lines.join('\n'));
  const order = ['modprobe ext4', 'mount -a', 'findfs LABEL=root'].map((call) => calls.indexOf(call));
  assert.ok(
    order.every((place, index) => place > (order[index - 1] ?? -1)),
    calls.join('\n'),
  );
  assert.ok((await mounts()).includes('securityfs securityfs /sys/kernel/security'));
});

test('a program of the installation mounts a storage that mount(2) alone cannot', async () => {
  const { host, calls, start, mounts } = await machine(
    { PV_STORAGE_FSTYPE: 'odd', PV_STORAGE_DEVICE: 'odd:0' },
    { '/btools/pvmnt.odd': () => ({}) },
  );
  await makeDirectories(host.files, '/btools');
  await host.files.write('/btools/pvmnt.odd', '', { mode: 0o755 });
  await inTime(host, start());
  assert.ok(calls.includes('/btools/pvmnt.odd /storage'));
  assert.equal(
    (await mounts()).some((mount) => mount.endsWith(' /storage')),
    false,
    'that is the program’s business',
  );
  host.machine.programs.set('/btools/pvmnt.odd', () => ({ code: 32, stderr: 'no such volume\n' }));
  await assert.rejects(inTime(host, start()), /cannot mount the storage with \/btools\/pvmnt\.odd: no such volume/);
});
