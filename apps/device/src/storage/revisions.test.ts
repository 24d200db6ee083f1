import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Journal, Progress } from '@pantavisor/engine';
import { tryEveryCut } from '../host/memory/cuts.ts';
import type { MemoryHost } from '../host/memory/host.ts';
import { Failure } from '../runtime/failure.ts';
import { makeTree, writeDurable } from './durable.ts';
import { makeFactory } from './factory.ts';
import { readJournal, removeJournal, writeJournal } from './journal.ts';
import { prepareStorage } from './prepare.ts';
import { readProgress, readReasons, saveProgress } from './progress.ts';
import { isRevisionName } from './revision-name.ts';
import {
  isDone,
  listRevisions,
  markDone,
  readCurrent,
  readStateText,
  removeRevision,
  saveCommitMessage,
  setCurrent,
  storeRevision,
  writeObjectsConfig,
} from './revisions.ts';
import { formatSteps, listSteps } from './steps.ts';
import { layout, storageMachine, storeOn } from './testing/storage-machine.ts';

const recover = (host: MemoryHost) => prepareStorage(host.files, layout, storeOn(host));
const stateOf = (host: MemoryHost, revision: string) => readStateText(host.files, layout, revision);

/** A revision with everything that can hang on one. */
async function storeFull(host: MemoryHost, revision: string, state: string): Promise<void> {
  const { files } = host;
  await storeRevision(files, layout, revision, state);
  await saveProgress(files, layout, revision, { status: 'DONE', message: 'x', retries: 0 });
  const { logs, volumes, directory } = layout.revision(revision);
  for (const path of [logs, volumes, `${directory}/app`]) {
    await makeTree(files, path);
    await writeDurable(files, `${path}/file`, revision);
  }
}

test('names of revisions are one directory, or one below locals', () => {
  for (const name of ['0', '17', 'locals/x', `locals/${'x'.repeat(64)}`, 'some-name', 'locals/a.b'])
    assert.ok(isRevisionName(name), name);
  const bad = ['', '.', '..', 'current', 'locals', 'locals/', 'locals/..', 'locals/.new-x', 'a/b', 'locals/a/b', '/0'];
  for (const name of [...bad, `locals/${'x'.repeat(65)}`, '0\0', '.pv', '../0'])
    assert.ok(!isRevisionName(name), JSON.stringify(name));
  assert.throws(
    () => layout.revision('../../etc'),
    (error) => error instanceof Failure && error.code === 'revision-name',
  );
});

test('preparing makes the directories once', async () => {
  const host = await storageMachine();
  const effects = host.machine.effects;
  assert.deepEqual(await recover(host), []);
  assert.equal(host.machine.effects, effects);
  assert.equal((await host.files.status(layout.mounted))?.mode, 0o444);
});

test('a new revision appears whole or not at all', async () => {
  const host = await storageMachine();
  await tryEveryCut({
    host,
    operation: async (note) => {
      assert.equal(await storeRevision(host.files, layout, 'locals/x', '{"a": 1}'), true);
      note('stored');
      assert.equal(await storeRevision(host.files, layout, 'locals/x', '{"a": 1}'), false);
    },
    check: async (survivor, { noted }) => {
      await recover(survivor);
      const state = await stateOf(survivor, 'locals/x');
      assert.ok(state === '{"a": 1}' || (state === undefined && noted.length === 0));
    },
  });
});

test('another state under the same name replaces everything of the old one', async () => {
  const host = await storageMachine();
  await storeFull(host, 'locals/x', 'old');
  await storeFull(host, 'locals/other', 'other');
  const seen = new Set<string | undefined>();
  const { volumes, directory } = layout.revision('locals/x');
  await tryEveryCut({
    host,
    operation: async (note) => {
      await storeRevision(host.files, layout, 'locals/x', 'new');
      note('stored');
    },
    check: async (survivor, { noted }) => {
      await recover(survivor);
      const state = await stateOf(survivor, 'locals/x');
      seen.add(state);
      const there = async (path: string) => (await survivor.files.status(path)) !== undefined;
      assert.equal(await there(`${directory}/app/file`), state === 'old');
      assert.equal(await there(`${volumes}/file`), state === 'old');
      assert.equal(
        (await readProgress(survivor.files, layout, 'locals/x'))?.status,
        state === 'old' ? 'DONE' : undefined,
      );
      if (noted.length > 0) assert.equal(state, 'new');
      assert.deepEqual(await listRevisions(survivor.files, layout), ['locals/other', 'locals/x']);
      assert.equal((await survivor.files.list(`${layout.trails}/locals`)).length, 2);
      assert.deepEqual(await recover(survivor), [], 'recovery is done after one run');
    },
    limit: 30,
  });
  assert.deepEqual(seen, new Set(['old', 'new']));
});

test('removing takes a revision with its logs and volumes, whenever the power goes', async () => {
  const host = await storageMachine();
  await storeFull(host, 'locals/x', 'state');
  const { volumes, logs } = layout.revision('locals/x');
  await tryEveryCut({
    host,
    operation: async (note) => {
      await removeRevision(host.files, layout, 'locals/x');
      note('removed');
    },
    check: async (survivor, { noted }) => {
      await recover(survivor);
      const state = await stateOf(survivor, 'locals/x');
      if (noted.length > 0) assert.equal(state, undefined);
      for (const path of [volumes, logs, layout.revision('locals/x').directory])
        assert.equal((await survivor.files.status(path)) === undefined, state === undefined, path);
    },
    limit: 30,
  });
});

test('an interrupted recovery is finished by the next one', async () => {
  const host = await storageMachine();
  await storeFull(host, '3', 'old');
  const survivors: MemoryHost[] = [];
  await tryEveryCut({
    host,
    operation: () => storeRevision(host.files, layout, '3', 'new'),
    check: async (survivor) => void survivors.push(survivor),
    limit: 4,
  });
  for (const survivor of survivors)
    await tryEveryCut({
      host: survivor,
      operation: () => recover(survivor),
      check: async (again) => {
        await recover(again);
        assert.match((await stateOf(again, '3')) ?? '', /^(old|new)$/);
        assert.equal((await again.files.list(layout.trails)).filter(({ name }) => name.startsWith('.')).length, 0);
      },
      limit: 4,
    });
});

test('the factory revision is the old one or the copy', async () => {
  const host = await storageMachine();
  await storeFull(host, '0', 'factory');
  await storeFull(host, 'locals/x', 'state');
  const seen = new Set<string | undefined>();
  await tryEveryCut({
    host,
    operation: () => makeFactory(host.files, layout, 'locals/x'),
    check: async (survivor) => {
      await recover(survivor);
      seen.add(await stateOf(survivor, '0'));
      assert.equal(await stateOf(survivor, 'locals/x'), 'state');
    },
    limit: 20,
  });
  assert.deepEqual(seen, new Set(['factory', 'state']));
  assert.equal(await makeFactory(host.files, layout, 'locals/x'), false);
  const missing = makeFactory(host.files, layout, 'locals/none');
  await assert.rejects(missing, (error) => error instanceof Failure && error.code === 'state-missing');
});

test('marks, messages and the link to the running revision', async () => {
  const host = await storageMachine();
  const { files } = host;
  await storeRevision(files, layout, 'locals/x', '{}');
  assert.equal(await readCurrent(files, layout), undefined);
  await setCurrent(files, layout, 'locals/x');
  assert.equal(await readCurrent(files, layout), 'locals/x');
  assert.equal(await files.readText(`${layout.current}/.pvr/json`), '{}');
  assert.equal(await files.readLink(layout.currentLogs), 'locals/x');
  assert.equal(await isDone(files, layout, 'locals/x'), false);
  await markDone(files, layout, 'locals/x');
  assert.equal(await isDone(files, layout, 'locals/x'), true);
  await writeObjectsConfig(files, layout, 'locals/x');
  const config = await files.readText(layout.revision('locals/x').objectsConfig);
  assert.equal(config, '{"ObjectsDir": "/storage/objects"}');
});

test('progress and reasons are read back, also those of a long error', async () => {
  const { files } = await storageMachine();
  const error: Progress = { status: 'ERROR', message: 'Status goal not reached', retries: 2 };
  const reasons = [{ code: 'goal', message: 'app never said ready', container: 'app' }];
  await saveProgress(files, layout, '7', error, { logs: 'x'.repeat(8192), reasons });
  assert.deepEqual(await readProgress(files, layout, '7'), error);
  assert.deepEqual(await readReasons(files, layout, '7'), reasons);
  await saveProgress(files, layout, '7', { ...error, status: 'NEW' });
  assert.deepEqual(await readReasons(files, layout, '7'), []);
  await writeDurable(files, layout.revision('7').reasons, '{"code":');
  assert.deepEqual(await readReasons(files, layout, '7'), []);
  assert.equal(await readProgress(files, layout, '8'), undefined);
});

test('an error and its reasons are stored together, or the earlier progress is there', async () => {
  const host = await storageMachine();
  const progress = (status: Progress['status']): Progress => ({ status, message: null, retries: 0 });
  await saveProgress(host.files, layout, '7', progress('TESTING'));
  const reasons = [{ code: 'x', message: 'y' }];
  await tryEveryCut({
    host,
    operation: () => saveProgress(host.files, layout, '7', progress('ERROR'), { reasons }),
    check: async ({ files }) => {
      const found = await readProgress(files, layout, '7');
      assert.match(found?.status ?? '', /^(TESTING|ERROR)$/);
      if (found?.status === 'ERROR') assert.deepEqual(await readReasons(files, layout, '7'), reasons);
    },
  });
});

test('the journal is the old one or the new one', async () => {
  const host = await storageMachine();
  const journal = (stage: Journal['stage']): Journal => ({ revision: '7', kind: 'local-run', stage, retries: 0 });
  assert.equal(await readJournal(host.files, layout), undefined);
  await writeJournal(host.files, layout, journal('installing'));
  const seen = new Set<string | undefined>();
  await tryEveryCut({
    host,
    operation: async () => {
      await writeJournal(host.files, layout, journal('trying'));
      await removeJournal(host.files, layout);
    },
    check: async ({ files }) => void seen.add((await readJournal(files, layout))?.stage),
  });
  assert.deepEqual(seen, new Set(['installing', 'trying', undefined]));
});

test('the list of steps is what clients parse', async () => {
  const host = await storageMachine({ wall: new Date(2026, 0, 2, 3, 4, 5).getTime() });
  const { files } = host;
  for (const revision of ['locals/b', '10', '0', 'locals/a']) await storeRevision(files, layout, revision, '{}');
  await saveProgress(files, layout, '0', { status: 'DONE', message: 'Factory revision', retries: 0 });
  await saveProgress(
    files,
    layout,
    'locals/a',
    { status: 'ERROR', message: 'm', retries: 0 },
    { logs: 'x'.repeat(600) },
  );
  await saveCommitMessage(files, layout, '10', 'say "hi" \\ \n');
  await saveCommitMessage(files, layout, 'locals/b', 'x'.repeat(513));
  await writeDurable(files, layout.revision('locals/b').progress, '{"status":');
  const date = '"date":"2026-01-02T03:04:05Z"';
  assert.equal(
    formatSteps(await listSteps(files, layout)),
    `[{"name":"0", ${date}, "commitmsg":"", "progress":{"status":"DONE","status-msg":"Factory revision","progress":100,"retries":0}},` +
      `{"name":"10", ${date}, "commitmsg":"say \\u0022hi\\u0022 \\u005C \\u000A", "progress":{}},` +
      `{"name":"locals/a", ${date}, "commitmsg":"", "progress":{"status":"ERROR","status-msg":"m","progress":100,"retries":0}},` +
      `{"name":"locals/b", ${date}, "commitmsg":"", "progress":{}}]`,
  );
});
