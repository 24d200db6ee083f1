import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectEntry } from '@pantavisor/state';
import { tryEveryCut } from '../host/memory/cuts.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import { Failure } from '../runtime/failure.ts';
import { expandRevision, type StateFiles } from './expand.ts';
import { storeRevision } from './revisions.ts';
import { damage, exampleState, layout, putObject, storageMachine, storeOn } from './testing/storage-machine.ts';
import { validateRevision } from './validate.ts';

const revision = 'locals/x';
const { directory, device } = layout.revision(revision);
const isFailure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;

async function expanded() {
  const host = await storageMachine();
  const { text, files: state } = await exampleState(host, 'one');
  await storeRevision(host.files, layout, revision, text);
  assert.deepEqual(await expandRevision(host.files, layout, revision, state, false), { missing: [] });
  return { host, state };
}

const codes = async (host: Awaited<ReturnType<typeof expanded>>['host'], state: StateFiles, checkContent = true) => {
  const { problems, restored } = await validateRevision(host.files, layout, revision, state, checkContent);
  return { problems: problems.map(({ code, file }) => `${code} ${file}`), restored };
};

test('objects are links, bind files are copies, inline texts are exact', async () => {
  const { host, state } = await expanded();
  const inode = async (path: string) => (await host.files.status(path))?.inode;
  const [root, , bind] = state.objects;
  assert.equal(await inode(`${directory}/app/root.squashfs`), await inode(layout.object(root?.id ?? '')));
  assert.notEqual(await inode(`${directory}/app/data.bind`), await inode(layout.object(bind?.id ?? '')));
  assert.equal(await host.files.readText(`${directory}/app/run.json`), '{"name":"app",  "tag":"one"}');
  assert.deepEqual(await codes(host, state), { problems: [], restored: [] });
});

test('expanding again changes nothing that is right, and puts right what is not', async () => {
  const { host, state } = await expanded();
  await host.files.append(`${directory}/app/data.bind`, ' written by the container');
  await host.files.unlink(`${directory}/app/root.squashfs`);
  await host.files.write(`${directory}/app/root.squashfs`, 'not the object');
  await host.files.write(`${directory}/app/run.json`, '{}');
  await expandRevision(host.files, layout, revision, state, false);
  assert.deepEqual(await codes(host, state), { problems: [], restored: [] });
  assert.match(await host.files.readText(`${directory}/app/data.bind`), /written by the container$/);
});

test('objects that are not there are named', async () => {
  const { host, state } = await expanded();
  const missing = { path: 'app/new', id: 'f'.repeat(64), owner: 'app' };
  const more = { ...state, objects: [...state.objects, missing] };
  assert.deepEqual(await expandRevision(host.files, layout, revision, more, false), { missing: [missing] });
  assert.deepEqual((await codes(host, more)).problems, ['object-missing app/new']);
});

test('keys that are no paths inside the revision are refused', async () => {
  const host = await storageMachine();
  const id = await putObject(host, 'x');
  for (const path of ['../x', 'a/../../x', '/etc/x', 'a//b', '.pv/done', '.pvr/json', 'a/./b', '']) {
    const state = { objects: [{ path, id }], inline: [] };
    await assert.rejects(expandRevision(host.files, layout, revision, state, false), isFailure('state-key'));
    await assert.rejects(validateRevision(host.files, layout, revision, state), isFailure('state-key'));
  }
});

test('every kind of damage is found and named with its owner', async () => {
  const { host, state } = await expanded();
  await damage(host.files, `${directory}/app/lxc.container.conf`);
  await host.files.unlink(`${directory}/app/root.squashfs`);
  await host.files.copy(`${directory}/app/again/root.squashfs`, `${directory}/app/root.squashfs`, 0o644);
  await host.files.write(`${directory}/app/run.json`, '{"name":"app", "tag":"one"}');
  const expected = [
    'object-not-linked app/root.squashfs',
    'object-digest app/lxc.container.conf',
    'json-differs app/run.json',
  ];
  assert.deepEqual((await codes(host, state)).problems, expected);
  const { problems } = await validateRevision(host.files, layout, revision, state);
  assert.deepEqual(
    problems.map(({ owner }) => owner),
    ['app', 'app', 'app'],
  );
  assert.deepEqual((await codes(host, state, false)).problems, expected.slice(0, 1));
});

test('what is lost is put back, but not from a damaged object', async () => {
  const { host, state } = await expanded();
  for (const name of ['root.squashfs', 'data.bind', 'run.json']) await host.files.unlink(`${directory}/app/${name}`);
  const restored = ['app/data.bind', 'app/root.squashfs', 'app/run.json'];
  assert.deepEqual(await codes(host, state), { problems: [], restored });
  assert.deepEqual(await codes(host, state), { problems: [], restored: [] });
  const config = state.objects[1]?.id ?? '';
  await host.files.unlink(`${directory}/app/lxc.container.conf`);
  await damage(host.files, layout.object(config));
  assert.deepEqual((await codes(host, state)).problems, ['object-digest app/lxc.container.conf']);
});

test('what the boot chain or dm-verity verifies is not hashed', async () => {
  const host = await storageMachine();
  const objects = [];
  for (const path of ['bsp/kernel.img', 'bsp/pantavisor', 'app/root.squashfs'])
    objects.push({ path, id: await putObject(host, path) });
  const manifest = '{"type":"dm-verity","data_device":"root.squashfs","root_hash":"00"}';
  const state = { objects, inline: [{ path: 'app/_dm/root.squashfs.json', text: manifest }] };
  await expandRevision(host.files, layout, revision, state, false);
  for (const { path } of objects) await damage(host.files, `${directory}/${path}`);
  assert.deepEqual((await codes(host, state)).problems, []);
  const plain = { objects, inline: [] };
  assert.deepEqual((await codes(host, plain)).problems, ['object-digest app/root.squashfs']);
});

test('the boot loader finds its files under fixed names', async () => {
  const host = await storageMachine();
  const names = ['kernel', 'initrd', 'board.dtb', 'a.cpio', 'b.cpio', 'all.fit', 'image.gz'];
  const objects: ObjectEntry[] = [];
  for (const name of names) objects.push({ path: `bsp/${name}`, id: await putObject(host, name) });
  const base = { modulesFor: {}, addons: ['a.cpio', 'b.cpio'] };
  const linked = async (image: NonNullable<StateFiles['bsp']>['image'], addons = base.addons) => {
    await expandRevision(host.files, layout, revision, { objects, inline: [], bsp: { ...base, addons, image } }, true);
    const names = (await host.files.list(device)).map(({ name }) => name);
    return Promise.all(names.map(async (name) => `${name}=${await host.files.readText(`${device}/${name}`)}`));
  };
  assert.deepEqual(await linked({ kind: 'linux', kernel: 'kernel', initrd: 'initrd', fdt: 'board.dtb' }), [
    'pv-fdt.dtb=board.dtb',
    'pv-initrd.img=initrd',
    'pv-initrd.img.0=a.cpio',
    'pv-initrd.img.1=b.cpio',
    'pv-kernel.img=kernel',
  ]);
  const fewer = await linked({ kind: 'linux', kernel: 'kernel', initrd: 'initrd' }, ['b.cpio']);
  assert.ok(fewer.includes('pv-initrd.img.0=b.cpio') && !fewer.some((line) => line.startsWith('pv-initrd.img.1')));
  assert.ok((await linked({ kind: 'fit', fit: 'all.fit' })).includes('pantavisor.fit=all.fit'));
  assert.ok((await linked({ kind: 'rpiab', image: 'image.gz' })).includes('rpiboot.img.gz=image.gz'));
  const without = expandRevision(host.files, layout, revision, { objects, inline: [] }, true);
  await assert.rejects(without, isFailure('boot-image-missing'));
  await assert.rejects(linked({ kind: 'fit', fit: 'none' }), isFailure('boot-image-missing'));
});

test('whenever the power goes, running the installation again completes it', async () => {
  const host = await storageMachine();
  const { text, files: state } = await exampleState(host, 'one');
  await storeRevision(host.files, layout, revision, text);
  const { states } = await tryEveryCut({
    host,
    operation: async (note) => {
      await expandRevision(host.files, layout, revision, state, false);
      note('installed');
    },
    check: async (survivor, { noted }) => {
      if (noted.length === 0) await expandRevision(survivor.files, layout, revision, state, false);
      assert.deepEqual(await codes(survivor, state), { problems: [], restored: [] });
      assert.equal((await storeOn(survivor).list()).length, 3);
    },
    limit: 30,
  });
  assert.ok(states > 70);
});

test('a validation that is cut while it puts files back does so the next time', async () => {
  const { host, state } = await expanded();
  for (const name of ['root.squashfs', 'data.bind', 'run.json']) await host.files.unlink(`${directory}/app/${name}`);
  await host.files.syncDirectory(`${directory}/app`);
  await tryEveryCut({
    host,
    operation: () => validateRevision(host.files, layout, revision, state),
    check: async (survivor) => assert.deepEqual((await codes(survivor, state)).problems, []),
    limit: 20,
  });
});

test('without a storage there is nothing to expand to', async () => {
  const { files } = createMemoryHost();
  const state = { objects: [{ path: 'a', id: 'f'.repeat(64) }], inline: [] };
  assert.equal((await expandRevision(files, layout, revision, state, false)).missing.length, 1);
});
