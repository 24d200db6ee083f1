import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryEveryCut } from '../host/memory/cuts.ts';
import { HostError } from '../host/ports.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { createObjectStore, isObjectId } from './objects.ts';
import { readSpace } from './space.ts';
import { bodyOf, damage, idOf, layout, putObject, storageMachine, storeOn } from './testing/storage-machine.ts';

test('an object is stored once, listed and found', async () => {
  const host = await storageMachine();
  const store = storeOn(host);
  const id = idOf('hello');
  assert.deepEqual(await store.put(id, bodyOf(host.files, ['he', 'llo'])), { ok: true, outcome: 'stored' });
  const unread = () => assert.fail('the body of an object that is there is not read');
  assert.deepEqual(await store.put(id, unread), { ok: true, outcome: 'present' });
  await putObject(host, '');
  assert.deepEqual(
    await store.list(),
    [
      { id: idOf(''), size: 0 },
      { id, size: 5 },
    ].sort((a, b) => (a.id < b.id ? -1 : 1)),
  );
  assert.equal(await store.has(id), true);
  assert.equal(await store.isIntact(id), true);
  assert.equal(await store.size(idOf('')), 0);
  await store.remove(id);
  assert.equal(await store.has(id), false);
});

test('five thousand objects, an empty one among them, are all listed, in the order of their names', async () => {
  const host = await storageMachine();
  const ids = Array.from({ length: 5000 }, (_, n) => n.toString(16).padStart(64, '0'));
  for (const id of ids) await host.files.write(layout.object(id), id === ids[7] ? '' : 'x');
  await host.files.write(`${layout.objects}/${ids[0]}.tmp`, 'half');
  const listed = await storeOn(host).list();
  assert.deepEqual(
    listed.map(({ id }) => id),
    ids,
  );
  assert.deepEqual([listed[7]?.size, listed[8]?.size], [0, 1]);
});

test('a body with another digest leaves nothing', async () => {
  const host = await storageMachine();
  const id = idOf('right');
  const answer = await storeOn(host).put(id, bodyOf(host.files, ['wrong']));
  assert.deepEqual(answer, { ok: false, code: 'bad-checksum', sha256: idOf('wrong') });
  assert.deepEqual(await host.files.list(layout.objects), []);
});

test('names that are no digest are refused before anything is touched', async () => {
  const host = await storageMachine();
  const before = host.machine.effects;
  for (const name of ['', 'x', '../../etc/passwd', 'A'.repeat(64), `${'a'.repeat(63)}/`]) {
    assert.equal(isObjectId(name), false);
    assert.deepEqual(await storeOn(host).put(name, bodyOf(host.files, [])), { ok: false, code: 'bad-name' });
  }
  assert.equal(host.machine.effects, before);
});

test('what does not fit beside the reserve is refused, announced or not, and leaves nothing', async () => {
  const host = await storageMachine({ capacity: 1_000_000 });
  const store = storeOn(host);
  const big = Array.from({ length: 97 }, () => 'x'.repeat(10_000));
  const id = idOf(big.join(''));
  const { realFree } = await readSpace(host.files, layout, 5);
  for (const announced of [undefined, 970_000]) {
    const answer = await store.put(id, bodyOf(host.files, big), announced);
    assert.deepEqual(answer, { ok: false, code: 'no-space', available: realFree });
    assert.deepEqual(await host.files.list(layout.objects), []);
  }
});

test('space that goes away during an upload is noticed', async () => {
  const host = await storageMachine({ capacity: 40 * 1024 * 1024 });
  const piece = 'x'.repeat(4 * 1024 * 1024);
  const pieces = Array.from({ length: 3 }, () => piece);
  const upload = storeOn(host).put(idOf(pieces.join('')), async (path, admit) => {
    await host.files.write('/storage/other', new Uint8Array(30 * 1024 * 1024));
    return bodyOf(host.files, pieces)(path, admit);
  });
  assert.equal((await upload).ok, false);
  assert.deepEqual(await host.files.list(layout.objects), []);
});

test('a full disk or a broken disk leaves nothing either', async () => {
  for (const code of ['ENOSPC', 'EIO']) {
    for (const operation of ['append', 'sync', 'rename']) {
      const host = await storageMachine();
      host.machine.faults.push({ operation, path: /objects/, code, times: 1 });
      const upload = storeOn(host).put(idOf('abc'), bodyOf(host.files, ['a', 'bc']));
      if (code === 'ENOSPC') assert.equal((await upload).ok, false);
      else await assert.rejects(upload, (error) => error instanceof HostError && error.code === 'EIO');
      assert.deepEqual(await host.files.list(layout.objects), []);
    }
  }
});

test('two uploads of one object at the same time both succeed', async () => {
  const host = await storageMachine();
  const store = storeOn(host);
  const id = idOf('same');
  const answers = await Promise.all([1, 2].map(() => store.put(id, bodyOf(host.files, ['sa', 'me']))));
  assert.deepEqual(
    answers.map(({ ok }) => ok),
    [true, true],
  );
  assert.equal(await store.isIntact(id), true);
  assert.equal(store.uploads().size, 0);
  assert.equal((await host.files.list(layout.objects)).length, 1);
});

test('a damaged object is repaired for every revision that links to it', async () => {
  const host = await storageMachine();
  const id = await putObject(host, 'content');
  await host.files.link(layout.object(id), '/storage/trails/link');
  await damage(host.files, layout.object(id));
  assert.deepEqual(await storeOn(host).put(id, bodyOf(host.files, ['content'])), { ok: true, outcome: 'stored' });
  assert.equal(await host.files.readText('/storage/trails/link'), 'content');
  assert.equal((await host.files.list(layout.objects)).length, 1);
});

test('uploads tell whoever waits for quiet', async () => {
  const host = await storageMachine();
  let activity = 0;
  const space = () => readSpace(host.files, layout, 5);
  const onActivity = () => {
    activity += 1;
  };
  const store = createObjectStore({ files: host.files, layout, space, onActivity });
  await store.put(idOf('abc'), bodyOf(host.files, ['a', 'b', 'c']));
  assert.equal(activity, 4);
});

test('whenever the power goes, an object is whole or not there, and there once it was acknowledged', async () => {
  const host = await storageMachine();
  const content = ['a'.repeat(600), 'b'.repeat(600)];
  const id = idOf(content.join(''));
  const { states } = await tryEveryCut({
    host,
    operation: async (note) => {
      await storeOn(host).put(id, bodyOf(host.files, content));
      note('acknowledged');
    },
    check: async (survivor, { noted }) => {
      const store = storeOn(survivor);
      await store.removeLeftovers();
      const there = await store.has(id);
      assert.equal(there, await store.isIntact(id));
      assert.deepEqual((await survivor.files.list(layout.objects)).length, there ? 1 : 0);
      if (noted.length > 0) assert.ok(there);
    },
  });
  assert.ok(states > 20);
});

test('what is not complete may lie elsewhere, and is whole and durable under its name all the same', async () => {
  const host = await storageMachine();
  await makeDirectories(host.files, '/tmp');
  const seen: string[] = [];
  const store = createObjectStore({
    files: host.files,
    layout,
    space: () => readSpace(host.files, layout, 5),
    temporary: () => '/tmp',
  });
  const id = idOf('hello');
  const body = bodyOf(host.files, ['he', 'llo']);
  const answer = await store.put(id, (path, admit) => {
    seen.push(path);
    return body(path, admit);
  });
  assert.deepEqual(answer, { ok: true, outcome: 'stored' });
  assert.deepEqual(seen, [`/tmp/${id}.tmp`]);
  assert.deepEqual(await host.files.list('/tmp'), []);
  assert.equal(await store.isIntact(id), true);
  const wrong = await store.put(idOf('right'), bodyOf(host.files, ['wrong']));
  assert.equal(wrong.ok, false);
  assert.deepEqual(await host.files.list('/tmp'), []);
});
