import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tryEveryCut } from '../host/memory/cuts.ts';
import type { MemoryHost } from '../host/memory/host.ts';
import { collectGarbage } from './collect.ts';
import { makeTree } from './durable.ts';
import { expandRevision, type StateFiles } from './expand.ts';
import {
  type KeepRules,
  objectIdsOf,
  removableObjects,
  removableRevisions,
  spaceVerdict,
  thresholdReached,
} from './garbage.ts';
import { prepareStorage } from './prepare.ts';
import { listRevisions, storeRevision } from './revisions.ts';
import { accountSpace, readSpace, realFreePercent } from './space.ts';
import { bodyOf, exampleState, idOf, layout, putObject, storageMachine, storeOn } from './testing/storage-machine.ts';
import { validateRevision } from './validate.ts';

const rules: KeepRules = { running: 'locals/run', updating: undefined, committed: '3', keepFactory: false };

async function install(host: MemoryHost, revision: string, tag: string): Promise<StateFiles> {
  const { text, files } = await exampleState(host, tag);
  await storeRevision(host.files, layout, revision, text);
  await expandRevision(host.files, layout, revision, files, false);
  return files;
}

const collect = (host: MemoryHost, own: KeepRules = rules, needed: string[] = []) =>
  collectGarbage(host.files, layout, own, needed, storeOn(host).uploads);

test('revisions stay by rule, and all stay when nothing is known', () => {
  const all = ['0', '1', '3', 'locals/a', 'locals/run'];
  assert.deepEqual(removableRevisions(all, rules), ['0', '1', 'locals/a']);
  assert.deepEqual(removableRevisions(all, { ...rules, keepFactory: true, updating: 'locals/a' }), ['1']);
  assert.deepEqual(removableRevisions(all, { ...rules, running: undefined, committed: undefined }), []);
});

test('an object is removed only when no link, no state and no upload wants it', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd.tmp', '.hidden');
  const files = fc.uniqueArray(fc.record({ name, size: fc.nat(9), links: fc.integer({ min: 1, max: 3 }) }), {
    selector: (file) => file.name,
  });
  fc.assert(
    fc.property(files, fc.array(name), fc.array(name), (stored, needed, uploads) => {
      const removed = new Set(removableObjects(stored, new Set(needed), new Set(uploads)));
      for (const file of stored) {
        const wanted = file.links > 1 || [...needed, ...uploads].includes(file.name) || file.name === '.hidden';
        assert.equal(removed.has(file), !wanted);
      }
    }),
  );
});

test('ids are found in any text that may be a state', () => {
  const [a, b] = [idOf('a'), idOf('b')];
  assert.deepEqual(objectIdsOf(`{"x":"${a}","y" : "${b}", "z":"${a}0","${a}`), new Set([a, b]));
});

test('the collector takes what nothing needs and says how much that was', async () => {
  const host = await storageMachine();
  const kept = await install(host, 'locals/run', 'run');
  await install(host, '3', 'three');
  await install(host, '5', 'five');
  await makeTree(host.files, '/storage/disks/rev/gone/app');
  await makeTree(host.files, '/storage/disks/rev/locals/run/app');
  await putObject(host, 'uploaded, not yet used');
  await putObject(host, 'wanted by a download');
  await host.files.write(`${layout.objects}/left.tmp`, '12345');
  const result = await collect(host, rules, [idOf('wanted by a download')]);
  assert.deepEqual(result.revisions, ['5']);
  assert.equal(result.objects, 5);
  const gone = ['root five', 'lxc.uts.name = five\n', 'bind five', 'uploaded, not yet used', '12345'];
  assert.equal(result.reclaimed, gone.join('').length);
  assert.deepEqual(await listRevisions(host.files, layout), ['3', 'locals/run']);
  assert.equal(await storeOn(host).has(idOf('wanted by a download')), true);
  assert.deepEqual((await validateRevision(host.files, layout, 'locals/run', kept)).problems, []);
  assert.equal(
    await storeOn(host).has(idOf('bind run')),
    true,
    'the object of a copied file has no link, but a state names it',
  );
  assert.deepEqual(
    (await host.files.list('/storage/disks/rev')).map(({ name }) => name),
    ['locals'],
  );
  assert.equal((await host.files.status('/storage/disks/rev/locals/run/app'))?.kind, 'directory');
  assert.deepEqual(await collect(host, rules, [idOf('wanted by a download')]), {
    revisions: [],
    objects: 0,
    reclaimed: 0,
  });
});

test('an upload that runs meanwhile is not disturbed', async () => {
  const host = await storageMachine();
  await install(host, 'locals/run', 'run');
  const store = storeOn(host);
  const id = idOf('ab');
  const answer = await store.put(id, async (path, admit) => {
    const save = bodyOf(host.files, ['a', 'b']);
    const collected = collectGarbage(host.files, layout, rules, [], store.uploads);
    const saved = await save(path, admit);
    await collected;
    await collectGarbage(host.files, layout, rules, [], store.uploads);
    return saved;
  });
  assert.deepEqual(answer, { ok: true, outcome: 'stored' });
});

test('whenever the power goes, what is kept is whole and the next run takes the rest', async () => {
  const host = await storageMachine();
  const kept = await install(host, 'locals/run', 'run');
  await install(host, '3', 'three');
  await install(host, 'locals/old', 'old');
  await makeTree(host.files, '/storage/disks/rev/locals/old/app');
  const { states } = await tryEveryCut({
    host,
    operation: () => collect(host),
    check: async (survivor) => {
      await prepareStorage(survivor.files, layout, storeOn(survivor));
      const validate = () => validateRevision(survivor.files, layout, 'locals/run', kept);
      assert.deepEqual((await validate()).problems, []);
      await collect(survivor);
      assert.deepEqual(await validate(), { problems: [], restored: [] });
      assert.deepEqual(await listRevisions(survivor.files, layout), ['3', 'locals/run']);
      assert.equal((await storeOn(survivor).list()).length, 6);
      assert.equal(await survivor.files.status('/storage/disks/rev/locals/old'), undefined);
    },
    limit: 12,
  });
  assert.ok(states > 100);
});

test('space is counted with the reserve', async () => {
  assert.deepEqual(accountSpace({ total: 999, free: 100 }, 5), { total: 999, free: 100, reserved: 49, realFree: 51 });
  assert.equal(accountSpace({ total: 1000, free: 10 }, 5).realFree, 0);
  assert.equal(realFreePercent(accountSpace({ total: 1000, free: 79 }, 5)), 2);
  assert.equal(realFreePercent(accountSpace({ total: 0, free: 0 }, 5)), 0);
  const host = await storageMachine({ capacity: 100_000 });
  assert.equal((await readSpace(host.files, layout, 10)).reserved, 10_000);
});

test('the threshold waits for downloads and for quiet after uploads', () => {
  const low = {
    threshold: 10,
    realFreePercent: 9,
    downloading: false,
    lastActivity: undefined,
    now: 1000,
    deferral: 600,
  };
  assert.equal(thresholdReached(low), true);
  assert.equal(thresholdReached({ ...low, realFreePercent: 10 }), false);
  assert.equal(thresholdReached({ ...low, threshold: 0, realFreePercent: 0 }), false);
  assert.equal(thresholdReached({ ...low, downloading: true }), false);
  assert.equal(thresholdReached({ ...low, lastActivity: 401 }), false);
  assert.equal(thresholdReached({ ...low, lastActivity: 400 }), true);
});

test('an update is refused only after the collector ran', () => {
  assert.deepEqual(spaceVerdict(10, 10, false), { kind: 'fits' });
  assert.deepEqual(spaceVerdict(11, 10, false), { kind: 'collect' });
  assert.deepEqual(spaceVerdict(11, 10, true), { kind: 'refuse', message: 'Space required 11 B, available 10 B' });
});
