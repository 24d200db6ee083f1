import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { outsideProblems } from './outside.ts';
import { recipeSpec } from './recipe.ts';
import { readRecipe } from './schema.ts';

/** What is wrong with a recipe in a folder that has some files; names that end with a slash are folders. */
async function problemsOf(t: TestContext, members: Record<string, unknown>, files: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'pv-outside-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const path of files) {
    mkdirSync(join(folder, path.endsWith('/') ? path : join(path, '..')), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(folder, path), 'something');
  }
  const text = JSON.stringify({ '#spec': recipeSpec, name: 'demo', architecture: 'aarch64', ...members });
  const { recipe, problems } = readRecipe(text, join(folder, 'recipe.json'));
  assert.ok(recipe, JSON.stringify(problems));
  return (await outsideProblems(recipe)).map(
    ({ place, message }) => `${place} ${message.replaceAll(`${folder}/`, '')}`,
  );
}

test('every file that a recipe names is looked for, and all that are missing are told', async (t) => {
  assert.deepEqual(
    await problemsOf(t, {
      kernel: { image: 'Image', modules: 'lib/modules/6.6', firmware: 'firmware', fdt: 'a.dtb' },
      initramfs: { 'sbin/tool': 'tool' },
      boot: { files: { 'a.txt': 'a.txt' }, raw: { '512': 'flash.bin' } },
      parts: ['./apps#web', '../x.tgz', 'user/device'],
    }),
    [
      'kernel.image is not there: Image',
      'kernel.modules is not there: lib/modules/6.6',
      'kernel.firmware is not there: firmware',
      'kernel.fdt is not there: a.dtb',
      'initramfs.sbin/tool is not there: tool',
      'boot.files.a.txt is not there: a.txt',
      'boot.raw.512 is not there: flash.bin',
      'parts[0] is not there: apps',
      'parts[1] is not there: ../x.tgz',
    ].map((line) => line.replace('../x.tgz', `${join(tmpdir(), 'x.tgz')}`)),
  );
});

test('a folder in the place of a file is told, and a file in that of a folder', async (t) => {
  const files = ['Image/', 'modules'];
  assert.deepEqual(await problemsOf(t, { kernel: { image: 'Image', modules: 'modules' } }, files), [
    'kernel.image is a folder, and must be a file: Image',
    'kernel.modules is a file, and must be a folder: modules',
  ]);
});

test('modules are those of one release', async (t) => {
  const files = ['Image', 'lib/modules/6.6.30/modules.order', 'lib/modules/6.6.30/kernel/a.ko'];
  const kernel = (modules: string) => ({ kernel: { image: 'Image', modules } });
  assert.deepEqual(await problemsOf(t, kernel('lib/modules/6.6.30'), files), []);
  assert.deepEqual(await problemsOf(t, kernel('lib/modules'), files), [
    'kernel.modules is not the folder of one release, such as lib/modules/6.6.30: lib/modules',
  ]);
  assert.deepEqual(await problemsOf(t, kernel('lib/modules/6.6.30/kernel'), files), [
    'kernel.modules has no modules.order: it must be the folder that "make modules_install" names after the release: lib/modules/6.6.30/kernel',
  ]);
});

test('what lies before the first partition has room there, and does not lie on the table or on each other', async (t) => {
  const boot = (...offsets: string[]) => ({ boot: { raw: Object.fromEntries(offsets.map((key) => [key, 'flash'])) } });
  assert.deepEqual(await problemsOf(t, boot('512', '33792'), ['flash']), []);
  assert.deepEqual(await problemsOf(t, boot('8388600', '511', '33792', '33800'), ['flash']), [
    'boot.raw.511 does not fit: 9 bytes at 511, and there is room from 512 to 8388608',
    'boot.raw.33800 lies on boot.raw.33792, which ends at 33801',
    'boot.raw.8388600 does not fit: 9 bytes at 8388600, and there is room from 512 to 8388608',
  ]);
  assert.deepEqual(await problemsOf(t, { ...boot('1024'), architecture: 'x86_64' }, ['flash']), [
    'boot.raw.1024 does not fit: 9 bytes at 1024, and there is room from 17408 to 1048576',
  ]);
});

test('files for a boot partition need one', async (t) => {
  assert.deepEqual(await problemsOf(t, { loader: 'none', boot: { files: { a: 'a' }, raw: { '512': 'a' } } }, ['a']), [
    'boot has no place on a disk of loader none, which is a storage and nothing else',
  ]);
});
