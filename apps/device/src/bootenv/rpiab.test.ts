import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost, type MemoryHost } from '../host/memory/host.ts';
import { HostError, type Mounts } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { makeTree, writeDurable } from '../storage/durable.ts';
import { openRpiBoard } from './rpi-board.ts';
import { formatAutoboot, parseAutoboot, rpiabEnvironment } from './rpiab.ts';

const isFailure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;
const number = (value: number) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);

test('autoboot.txt names both partitions, and nonsense means the first two', () => {
  for (const partitions of [
    { normal: 2, trial: 3 },
    { normal: 3, trial: 2 },
  ])
    assert.deepEqual(parseAutoboot(formatAutoboot(partitions)), partitions);
  assert.equal(
    formatAutoboot({ normal: 3, trial: 2 }),
    '[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n\0',
  );
  for (const text of ['', '[all]\nboot_partition=3\n', '[all]\nboot_partition=2\n[tryboot]\nboot_partition=2\n'])
    assert.deepEqual(parseAutoboot(text), { normal: 2, trial: 3 });
});

/** A board with FAT partitions played by directories, which real mounts cannot be here. */
async function board(tryboot = 0) {
  const ran: string[][] = [];
  const program = (argv: string[]) => {
    ran.push(argv);
    return {};
  };
  const host = createMemoryHost({ programs: { dd: program, vcmailbox: program, gzip: program } });
  const tree = '/proc/device-tree/chosen/bootloader';
  await makeTree(host.files, tree);
  const properties = { tryboot, 'boot-mode': 1, 'build-timestamp': 1_700_000_000 };
  for (const [name, value] of Object.entries(properties)) await host.files.write(`${tree}/${name}`, number(value));
  for (const part of [1, 2, 3]) await makeTree(host.files, `/part${part}`);
  const mounted: string[] = [];
  const mounts: Mounts = {
    ...host.mounts,
    mount: async ({ source, target, type }) => {
      assert.equal(type, 'vfat');
      mounted.push(source);
      await host.mounts.mount({ source: `/part${source.at(-1)}`, target, flags: ['bind'] });
    },
  };
  const open = async () => {
    const opened = await openRpiBoard({ files: host.files, mounts, processes: host.processes, mountPoint: '/mnt' });
    return rpiabEnvironment({ files: host.files, text: host.text, path: '/rpiab.txt', board: opened });
  };
  return { host, tree, open, ran, mounted };
}

const write = (host: MemoryHost, path: string, text: string) => writeDurable(host.files, path, text);

test('an update goes to the other partition and is tried once', async () => {
  const { host, open, ran, mounted } = await board();
  await write(host, '/part2/pv_rev.txt', '0\n');
  await makeTree(host.files, '/rev/.pv');
  await write(host, '/rev/.pv/rpiboot.img.gz', 'packed');
  await write(host, '/rev/.pv/rpiboot.img', 'unpacked by the program');
  const environment = await open();
  assert.deepEqual(await environment.read(), { booted: '0' });
  await environment.install('1', '/rev/.pv');
  await environment.armTry('1');
  assert.deepEqual(
    ran.map((argv) => argv.join(' ')),
    [
      'gzip -dkf /rev/.pv/rpiboot.img.gz',
      'dd if=/rev/.pv/rpiboot.img bs=1M conv=fsync of=/dev/mmcblk0p3',
      'vcmailbox 0x00038064 4 4 1',
    ],
  );
  assert.ok(mounted.every((device) => device.startsWith('/dev/mmcblk0p')));
  assert.equal(await host.files.status('/rev/.pv/rpiboot.img'), undefined, 'the unpacked image does not stay');
  assert.equal(await host.files.readText('/part3/pv_rev.txt'), '1\n');
  await environment.install('2', '/rev/.pv');
  assert.equal(await host.files.readText('/part3/pv_rev.txt'), '1,2\n', 'an armed revision is still meant');
  await environment.install('x'.repeat(100), '/rev/.pv');
  for (let n = 0; n < 5; n += 1) await environment.install(`${n}`.repeat(100), '/rev/.pv');
  assert.equal(
    await host.files.readText('/part3/pv_rev.txt'),
    `${'4'.repeat(100)}\n`,
    'a list that grew too long begins anew',
  );
  assert.equal(
    (await host.mounts.list()).some(({ target }) => target === '/mnt'),
    false,
  );
});

test('a commit switches the partitions and names the revision', async () => {
  const { host, open } = await board(1);
  await write(host, '/part3/pv_rev.txt', '1,2\n');
  await write(host, '/rpiab.txt', 'pv_rev=0\0pv_try=2\0\0');
  const environment = await open();
  assert.deepEqual(await environment.read(), { committed: '0', trying: '2', booted: '2' });
  await environment.commit('2');
  assert.deepEqual(parseAutoboot(await host.files.readText('/part1/autoboot.txt')), { normal: 3, trial: 2 });
  assert.equal(await host.files.readText('/part3/pv_rev.txt'), '2\n');
  assert.deepEqual(await environment.read(), { committed: '2', booted: '2' });
});

test('a boot of an image that is not what is stored is refused', async () => {
  const stray = await board(1);
  await write(stray.host, '/part3/pv_rev.txt', '7\n');
  await assert.rejects((await stray.open()).read(), isFailure('boot-image-unknown'));
  const old = await board(0);
  await write(old.host, '/part2/pv_rev.txt', '7\n');
  await write(old.host, '/rpiab.txt', 'pv_rev=8\0\0');
  await assert.rejects((await old.open()).read(), isFailure('boot-image-unknown'));
  const early = await board(0);
  await write(early.host, '/part2/pv_rev.txt', '8\n');
  await write(early.host, '/rpiab.txt', 'pv_rev=8\0pv_try=9\0\0');
  assert.deepEqual(await (await early.open()).read(), { committed: '8', trying: '9', booted: '8' });
  const unlisted = await board(0);
  assert.deepEqual(await (await unlisted.open()).read(), {}, 'without a list the command line decides');
});

test('old firmware, and programs that fail, are named', async () => {
  const { host, tree, open } = await board();
  await host.files.write(`${tree}/build-timestamp`, number(1_600_000_000));
  await assert.rejects(open(), isFailure('boot-firmware-old'));
  const second = await board();
  second.host.machine.programs.set('vcmailbox', () => ({ code: 1, stderr: 'no such device\n' }));
  const failed = (await second.open()).armTry('1');
  await assert.rejects(failed, (error) => error instanceof HostError && /no such device/.test(error.message));
});
