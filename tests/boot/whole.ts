/** Whether the disk of a device that lost its power is whole: for the boot loader as it lies there, for the device once the journal is played back. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStorageFile, type StoragePlace } from '@pantavisor/images/images';
import type { ImageDevice } from './image-device.ts';

/** What the boot loader is told. */
export interface BootState {
  committed: string;
  /** Empty when nothing is to be tried. */
  tried: string;
}

const hashOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

/** Reads what the boot loader reads. */
export async function bootState({ storage, account }: Pick<ImageDevice, 'storage' | 'account'>): Promise<BootState> {
  const path = account.loader === 'grub' ? '/boot/grubenv' : '/boot/uboot.txt';
  const block = await readStorageFile(storage, path);
  assert.ok(block, `${path} cannot be read`);
  const entries = block.toString('latin1').split(account.loader === 'grub' ? '\n' : '\0');
  const read = (key: string) => entries.find((entry) => entry.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
  return { committed: read('pv_rev') || '0', tried: read('pv_try') };
}

async function stateOf(place: StoragePlace, revision: string): Promise<Record<string, unknown>> {
  const text = await readStorageFile(place, `/trails/${revision}/.pvr/json`);
  return JSON.parse(String(text)) as Record<string, unknown>;
}

/** The files that a boot loader starts are those of the revision. */
async function assertBootable(place: StoragePlace, revision: string, where: string): Promise<void> {
  const state = await stateOf(place, revision);
  const files = { 'bsp/kernel.img': 'pv-kernel.img', 'bsp/pantavisor': 'pv-initrd.img' };
  for (const [key, name] of Object.entries(files)) {
    const content = await readStorageFile(place, `/trails/${revision}/.pv/${name}`);
    assert.equal(content && hashOf(content), state[key], `${where}: ${name} of ${revision}`);
  }
}

/**
 * Looks at the disk of a device that does not run.
 * @param where said when something is wrong
 * @throws AssertionError when the boot loader would find a damaged revision, the file system is not sound once its journal is played back, an object
 *   is not what its name says, or a revision that is to be booted lacks one
 */
export async function assertWhole(device: ImageDevice, where: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'pv-whole-'));
  try {
    const { committed, tried } = await bootState(device);
    const armed = [...new Set([committed, tried])].filter((revision) => revision !== '');
    for (const revision of armed) await assertBootable(device.storage, revision, `${where}, before the journal`);

    // A file system of its own: e2fsck forgets an offset when it has played back the journal.
    const copy = { image: join(work, 'storage'), offset: 0 };
    const { image: name } = copy;
    const [from, to] = [`if=${device.storage.image}`, `of=${name}`];
    execFileSync('dd', [from, to, 'bs=64K', `skip=${device.storage.offset / 65536}`, 'conv=sparse', 'status=none']);
    const played = spawnSync('e2fsck', ['-p', name], { encoding: 'utf8' });
    // 1: something was corrected, as files that were open when the power went.
    assert.ok(played.status === 0 || played.status === 1, `${where}: ${played.stdout}${played.stderr}`);
    const checked = spawnSync('e2fsck', ['-fn', name], { encoding: 'utf8' });
    assert.equal(checked.status, 0, `${where}: ${checked.stdout}`);
    assert.deepEqual(await bootState({ storage: copy, account: device.account }), { committed, tried }, where);

    execFileSync('debugfs', ['-R', `rdump /objects ${work}`, name], { stdio: 'ignore' });
    const objects = new Set(readdirSync(join(work, 'objects')).filter((id) => /^[0-9a-f]{64}$/.test(id)));
    for (const id of objects)
      assert.equal(hashOf(readFileSync(join(work, 'objects', id))), id, `${where}: the content of an object`);
    for (const revision of armed)
      for (const [key, id] of Object.entries(await stateOf(copy, revision)))
        if (typeof id === 'string' && key !== '#spec')
          assert.ok(objects.has(id), `${where}: ${key} of ${revision} is missing`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
