/** What surrounds an update on a whole device: signatures, programs of the installation, the collector, disks that fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMemoryImage } from '../host/memory/images.ts';
import type { MemoryProgram } from '../host/memory/machine.ts';
import { decodeUtf8 } from '../host/memory/utf8.ts';
import { UpdateDevice, versioned } from './testing/update-device.ts';

const timeout = 30_000;
const initial = [versioned('web', 1), versioned('db', 1)];
const next = [versioned('web', 2), versioned('db', 1)];

test('a strict device stores no state without signatures, and does not run one', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  await device.store('locals/unsigned', next);
  const strict = device.restarted(device.device.restart({ PV_SECUREBOOT_MODE: 'strict' }));
  assert.equal(await device.host.runFor(strict.exited), 65);
  assert.match(strict.output, /cannot trust the state .*: State not fully covered by signatures/);

  const lenient = await UpdateDevice.install(initial);
  const state = JSON.stringify({
    '#spec': 'pantavisor-service-system@1',
    '_sigs/all.json': { '#spec': 'pvs@2', protected: 'e30', signature: 'AAAA' },
  });
  lenient.restarted(lenient.device.restart({ PV_SECUREBOOT_MODE: 'lenient' }));
  await lenient.device.ready();
  const refused = await lenient.device.request('PUT', '/steps/locals/bad', state);
  assert.equal(refused.status, 422);
  assert.match(refused.body, /Secureboot: Signature validation failed/);
});

/** Installs a hook that writes down what it is told. */
async function withHook(device: UpdateDevice, answer: (moment: string) => number): Promise<Record<string, string>[]> {
  const path = '/lib/pv/hooks/system.d/10-record';
  const calls: Record<string, string>[] = [];
  const hook: MemoryProgram = (_argv, { environment = {} }) => {
    calls.push({ ...environment });
    return { code: answer(environment.PV_OP ?? '') };
  };
  device.host.machine.programs.set(path, hook);
  for (const directory of ['/lib', '/lib/pv', '/lib/pv/hooks', '/lib/pv/hooks/system.d'])
    if ((await device.host.files.status(directory)) === undefined) await device.host.files.makeDirectory(directory);
  await device.host.files.write(path, '#!', { mode: 0o755 });
  return calls;
}

test('programs of the installation hear of installs and commits, and may refuse an install', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  const calls = await withHook(device, () => 0);
  await device.store('locals/next', next);
  await device.command('LOCAL_RUN_COMMIT', 'locals/next');
  await device.reboot();
  await device.until('locals/next', 'DONE');
  await device.device.line(/the update to locals\/next has ended/);
  const moments = calls.map(({ PV_OP, PV_REV, PV_TRY, PV_TRYBOOT }) => [PV_OP, PV_REV, PV_TRY, PV_TRYBOOT].join(' '));
  assert.deepEqual(moments, [
    'system-install-update 0 locals/next false',
    'system-start locals/next locals/next true',
    'system-done locals/next  true',
    'system-boot-done locals/next  true',
  ]);
  assert.equal(calls[0]?.PV_TRAILS_STORAGE, '/data/trails/0');
  await device.command('REBOOT_DEVICE');
  await device.reboot();
  await device.host.runUntil(() => calls.length === moments.length + 2);
  const later = calls
    .slice(moments.length)
    .map(({ PV_OP, PV_TRY, PV_TRYBOOT }) => [PV_OP, PV_TRY, PV_TRYBOOT].join(' '));
  assert.deepEqual(later, ['system-start  false', 'system-done  false']);

  const refusing = await UpdateDevice.install(initial);
  await withHook(refusing, (moment) => (moment === 'system-install-update' ? 3 : 0));
  const before = refusing.pids();
  await refusing.store('locals/next', next);
  await refusing.command('LOCAL_RUN', 'locals/next');
  await refusing.until('locals/next', 'ERROR');
  const { message, logs } = await refusing.progress('locals/next');
  assert.equal(message, 'Internal error');
  assert.match(logs ?? '', /10-record failed \(exit 3\)/);
  assert.deepEqual(await refusing.reasons('locals/next'), ['hook-failed']);
  assert.deepEqual(refusing.pids(), before);
});

test('the collector waits for uploads to be over, then takes what the threshold asks for', { timeout }, async () => {
  const device = await UpdateDevice.install(initial, {
    environment: { PV_STORAGE_GC_THRESHOLD: '99', PV_STORAGE_GC_THRESHOLD_DEFERTIME: '60' },
  });
  await device.store('locals/left', [versioned('web', 9), versioned('db', 1)]);
  const names = async () =>
    (JSON.parse((await device.device.request('GET', '/steps')).body) as { name: string }[]).map(({ name }) => name);
  await device.host.advance(59_000);
  assert.deepEqual(await names(), ['0', 'locals/left']);
  await device.host.advance(2_000);
  assert.deepEqual(await names(), ['0']);
});

test('a disk that fails ends the update with its reason; the device runs on, and the end is stored later', {
  timeout,
}, async () => {
  for (const [operation, path] of [
    ['link', /^\/data\/trails\/locals\/next\//],
    ['write', /^\/data\/\.update\.json/],
    ['overwrite', /^\/data\/boot\//],
    ['sync', /^\/data\/trails\/locals\/next\//],
  ] as const) {
    const device = await UpdateDevice.install(initial);
    const before = device.pids();
    await device.store('locals/next', next);
    device.host.machine.faults.push({ operation, path, code: 'EIO' });
    assert.equal(await device.command('LOCAL_RUN', 'locals/next'), '200');
    await device.device.line(/the update to locals\/next has ended: (ERROR|WONTGO) Internal error/);
    assert.deepEqual(device.pids(), before, operation);
    assert.equal(await device.current(), '0');
    // The end cannot be stored either: a request that could not be begun is not accepted.
    if (operation === 'sync') assert.match(await device.command('LOCAL_RUN', 'locals/next'), /^503 /);
    device.host.machine.faults.length = 0;
    await device.until('locals/next', 'ERROR', 'WONTGO');
    assert.ok((await device.reasons('locals/next')).includes('host-EIO'), operation);
    assert.equal(await device.device.stop(), 0);
  }
});

test('a debug shell puts a reboot off as long as it is asked to', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  assert.equal(await device.command('DEFER_REBOOT', '30'), '200');
  assert.match(await device.command('DEFER_REBOOT', 'soon'), /^400/);
  assert.equal(await device.command('REBOOT_DEVICE'), '200');
  await device.device.line(/the reboot waits for: debug-shell/);
  assert.deepEqual(Object.keys(device.pids()).sort(), ['db', 'web']);
  const begin = device.host.clock.monotonic();
  assert.equal(await device.reboot(), 0);
  assert.ok(device.host.clock.monotonic() - begin >= 29_000);
});

test('after an update in place all containers see the modules and the firmware of the board as before', {
  timeout,
}, async () => {
  const environment = { PV_SYSTEM_INIT_MODE: 'embedded', PV_BOOTLOADER_TYPE: 'uboot', pv_rev: '0' };
  const board = {
    'bsp/run.json': {
      linux: 'kernel.img',
      initrd: 'initrd.img',
      initrd_config: '',
      modules: 'modules.squashfs',
      firmware: 'firmware.squashfs',
    },
    'bsp/kernel.img': 'kernel',
    'bsp/initrd.img': 'initrd',
    'bsp/modules.squashfs': decodeUtf8(makeMemoryImage({ '/modules.dep': '' })),
    'bsp/firmware.squashfs': decodeUtf8(makeMemoryImage({ '/wifi.fw': 'radio' })),
  };
  const device = await UpdateDevice.install(initial, { environment }, board);
  const { files, mounts, system, machine } = device.host;
  const seen = async () => {
    const binds = [];
    for (const { name, lxcPath, exit } of machine.containers.values())
      if (exit === undefined)
        binds.push([name, (await files.readText(`${lxcPath}/${name}/config`)).match(/\/lib\/\S+/g)]);
    const targets = (await mounts.list()).map(({ target }) => target).filter((target) => target.startsWith('/lib/'));
    return { binds: binds.sort(), targets, firmware: await files.readText('/lib/firmware/wifi.fw') };
  };
  const before = await seen();
  assert.deepEqual(before.targets, ['/lib/firmware', `/lib/modules/${system.kernelRelease}`]);
  assert.ok(before.binds.every(([, paths]) => before.targets.every((target) => paths?.includes(target))));
  await device.store('locals/next', next, board);
  assert.equal(await device.command('LOCAL_RUN', 'locals/next'), '200');
  await device.until('locals/next', 'UPDATED');
  assert.deepEqual(await seen(), before);
});

test('a container of an unknown type is refused with its reason, and the device runs on', { timeout }, async () => {
  const device = await UpdateDevice.install(initial);
  const before = device.pids();
  const { files } = device.host;
  const state = JSON.parse(await files.readText('/data/trails/0/.pvr/json'));
  const unknown = JSON.stringify({ ...state, 'web/run.json': { ...state['web/run.json'], type: 'mcu' } });
  const refused = await device.device.request('PUT', '/steps/locals/mcu', unknown);
  assert.deepEqual([refused.status, refused.body], [422, '{"Error":"Parser: State JSON has bad format"}']);
  // One that is on the disk already.
  await device.store('locals/mcu', next);
  await files.write('/data/trails/locals/mcu/.pvr/json', unknown);
  assert.equal(await device.command('LOCAL_RUN', 'locals/mcu'), '200');
  await device.until('locals/mcu', 'WONTGO');
  assert.deepEqual(await device.reasons('locals/mcu'), ['container-type-unsupported']);
  assert.deepEqual(device.pids(), before);
});

test('two configuration files with the same content are both there when the container runs', { timeout }, async () => {
  const same = { '_config/web/etc/one.conf': 'same', '_config/web/etc/two.conf': 'same' };
  const device = await UpdateDevice.install(initial, {}, same);
  const { files } = device.host;
  const [{ name: id } = { name: '' }] = (await files.list('/run/pantavisor')).filter(({ name }) => name !== 'bridges');
  const directory = `/run/pantavisor/${id}/configs/web/etc`;
  for (const name of ['one.conf', 'two.conf']) assert.equal(await files.readText(`${directory}/${name}`), 'same');
});

test('a file that a revision has lost is made again from its object at the boot; a damaged object fails the trial', {
  timeout,
}, async () => {
  const device = await UpdateDevice.install(initial);
  const { files } = device.host;
  const lost = '/data/trails/0/web/root.squashfs';
  await files.unlink(lost);
  device.cutPower(1);
  await device.device.ready();
  const id = JSON.parse(await device.host.files.readText('/data/trails/0/.pvr/json'))['web/root.squashfs'];
  const inodes = [lost, `/data/objects/${id}`].map(async (path) => (await device.host.files.status(path))?.inode);
  assert.equal(new Set(await Promise.all(inodes)).size, 1);
  assert.deepEqual(Object.keys(device.pids()).sort(), ['db', 'web']);

  await device.store('locals/next', next);
  assert.equal(await device.command('LOCAL_RUN_COMMIT', 'locals/next'), '200');
  await device.host.runFor(device.device.exited);
  const config = '/data/trails/locals/next/web/lxc.container.conf';
  const object = JSON.parse(await device.host.files.readText('/data/trails/locals/next/.pvr/json'));
  await device.host.files.unlink(config);
  await device.host.files.overwrite(`/data/objects/${object['web/lxc.container.conf']}`, new Uint8Array([1]), 0);
  await device.rest('locals/next');
  const { status, message } = await device.progress('locals/next');
  assert.deepEqual([status, message], ['ERROR', 'Object validation went wrong']);
  assert.deepEqual(await device.reasons('locals/next'), ['object-digest']);
  assert.equal(await device.current(), '0');
});
