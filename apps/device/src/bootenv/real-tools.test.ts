/** Files exchanged with the tools that boot loaders bring: grub-editenv, fw_setenv, fw_printenv. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { memoryTextCoding } from '../host/memory/utf8.ts';
import { createFiles } from '../host/node/files.ts';
import type { Processes } from '../host/ports.ts';
import { openFlash } from './flash.ts';
import { grubEnvironment } from './grub.ts';
import { createEnvironmentStore, formatToolConfig } from './uboot-env-store.ts';

const run = promisify(execFile);
const text = memoryTextCoding();
const limits = { timeout: 30_000 };
const missing = (tool: string) =>
  existsSync(`/usr/bin/${tool}`) ? {} : { skip: `${tool} is not installed, see scripts/debian-packages.txt` };

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bootenv-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('GRUB and the device read what the other has written', { ...limits, ...missing('grub-editenv') }, async (t) => {
  const path = join(await temporary(t), 'grubenv');
  const grub = async (...args: string[]) => (await run('grub-editenv', [path, ...args], limits)).stdout;
  const environment = grubEnvironment({ files: createFiles(), text, path });
  await grub('create');
  await grub('set', 'saved_entry=a\\b c', 'pv_rev=3', 'pv_trying=7');
  assert.deepEqual(await environment.read(), { committed: '3' });
  await environment.armTry('locals/x');
  assert.equal(await grub('list'), 'saved_entry=a\\b c\npv_rev=3\npv_try=locals/x\n');
  await environment.commit('locals/x');
  assert.equal(await grub('list'), 'saved_entry=a\\b c\npv_rev=locals/x\n');
  await grub('set', 'pv_try=9');
  await grub('unset', 'saved_entry');
  assert.deepEqual(await environment.read(), { committed: 'locals/x', trying: '9' });
  await environment.clearTry();
  assert.equal(await grub('list'), 'pv_rev=locals/x\n');
  const block = await readFile(path, 'latin1');
  assert.equal(block.length, 1024);
  assert.match(block, /tools other than grub-editenv/, 'the comment that the tool writes stays');
});

test('a last line that has no end counts for GRUB as little as for the device, and nothing beyond it is read', {
  ...limits,
  ...missing('grub-editenv'),
}, async (t) => {
  const path = join(await temporary(t), 'grubenv');
  const whole = '# GRUB Environment Block\npv_rev=3\n';
  for (const last of ['pv_try=4', `pv_try=${'x'.repeat(1024 - whole.length - 7)}`, 'pv_try=4\\']) {
    await writeFile(path, whole + last);
    assert.equal((await run('grub-editenv', [path, 'list'], limits)).stdout, 'pv_rev=3\n');
    assert.deepEqual(await grubEnvironment({ files: createFiles(), text, path }).read(), { committed: '3' });
  }
});

test('a block of the device is one that GRUB accepts', { ...limits, ...missing('grub-editenv') }, async (t) => {
  const path = join(await temporary(t), 'grubenv');
  await grubEnvironment({ files: createFiles(), text, path }).commit('12');
  const { stdout } = await run('grub-editenv', [path, 'list'], limits);
  assert.equal(stdout, 'pv_rev=12\n');
});

for (const copies of [1, 2]) {
  const title = `U-Boot's tools and the device read what the other has written, ${copies} cop${copies === 1 ? 'y' : 'ies'}`;
  test(title, { ...limits, ...missing('fw_setenv') }, async (t) => {
    const directory = await temporary(t);
    const [size, eraseSize] = [0x2000, 0x1000];
    const devices = ['env', 'env-bak'].slice(0, copies).map((name) => join(directory, name));
    for (const device of devices) await writeFile(device, Buffer.alloc(size, 0xff));
    const config = join(directory, 'fw_env.config');
    const places = devices.map((device) => ({ device, offset: 0, size, eraseSize, sectors: 2 }));
    await writeFile(config, formatToolConfig(places));
    const defaults = join(directory, 'defaults');
    await writeFile(defaults, 'bootdelay=2\n');
    const setenv = (...args: string[]) => run('fw_setenv', ['-c', config, '-f', defaults, ...args], limits);
    const printenv = async (key: string) => (await run('fw_printenv', ['-c', config, '-n', key], limits)).stdout.trim();

    const noProcesses: Processes = {
      run: () => assert.fail('plain files need no program'),
      spawn: () => assert.fail('plain files need no program'),
      isAlive: () => false,
    };
    const flash = (device: string) => openFlash(createFiles(), noProcesses, { device, name: '', size, eraseSize });
    const [first, second] = devices.map((device) => ({ flash: flash(device), offset: 0, size }));
    assert.ok(first);
    const store = createEnvironmentStore({ places: second ? [first, second] : [first], flags: 'counter', text });

    await setenv('pv_rev', '3');
    for (let round = 0; round < 4; round += 1) {
      await store.set({ pv_try: `locals/${round}` });
      assert.equal(await printenv('pv_try'), `locals/${round}`);
      await setenv('pv_rev', `${round}`);
      const entries = await store.read();
      assert.deepEqual(entries.map(({ key, value }) => `${key}=${value}`).sort(), [
        'bootdelay=2',
        `pv_rev=${round}`,
        `pv_try=locals/${round}`,
      ]);
    }
    await store.set({ pv_try: undefined });
    assert.equal(await printenv('pv_try'), '');
    assert.equal(await printenv('bootdelay'), '2');
    if (second === undefined) return;
    // A torn copy: the tools and the device agree on the one that is left.
    const newest = (await readFile(join(directory, 'env')))[4] ?? 0;
    const other = (await readFile(join(directory, 'env-bak')))[4] ?? 0;
    const torn = join(directory, newest > other ? 'env' : 'env-bak');
    await writeFile(torn, (await readFile(torn)).fill(0xff, 100, 612));
    assert.equal((await store.read()).find(({ key }) => key === 'pv_try')?.value, await printenv('pv_try'));
  });
}
