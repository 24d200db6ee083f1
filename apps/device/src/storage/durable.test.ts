import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryEveryCut } from '../host/memory/cuts.ts';
import { createMemoryHost, type MemoryHost } from '../host/memory/host.ts';
import { HostError } from '../host/ports.ts';
import {
  copyDurable,
  linkDurable,
  makeTree,
  readIfThere,
  removeDurable,
  removeTree,
  renameDurable,
  replaceSymlink,
  temporaryOf,
  writeDurable,
} from './durable.ts';

/**
 * Runs an operation on files that are durable already, cuts everywhere, and says what was seen of a path by then.
 * Checks that after the end there is only the last of `expected`.
 */
async function seen(options: {
  before?: Record<string, string>;
  operation: (host: MemoryHost) => Promise<void>;
  look: (host: MemoryHost) => Promise<unknown>;
  end: unknown;
}): Promise<Set<unknown>> {
  const host = createMemoryHost();
  for (const [path, content] of Object.entries(options.before ?? {})) {
    await makeTree(host.files, path.slice(0, path.lastIndexOf('/')) || '/');
    await host.files.write(path, content);
    await host.files.sync(path);
    await host.files.syncDirectory(path.slice(0, path.lastIndexOf('/')) || '/');
  }
  const found = new Set<unknown>();
  await tryEveryCut({
    host,
    operation: async (note) => {
      await options.operation(host);
      note('done');
    },
    check: async (survivor, { noted }) => {
      const value = await options.look(survivor);
      if (noted.length > 0) assert.deepEqual(value, options.end);
      found.add(value);
    },
  });
  return found;
}

const text = (path: string) => (host: MemoryHost) => readIfThere(host.files, path);

test('writeDurable leaves the old content or the new', async () => {
  const found = await seen({
    before: { '/d/a': 'old', [temporaryOf('/d/a')]: 'left from before' },
    operation: ({ files }) => writeDurable(files, '/d/a', 'new content'.repeat(200), 0o600),
    look: text('/d/a'),
    end: 'new content'.repeat(200),
  });
  assert.deepEqual(found, new Set(['old', 'new content'.repeat(200)]));
});

test('writeDurable of a new file leaves nothing or all', async () => {
  const found = await seen({
    operation: ({ files }) => writeDurable(files, '/a', 'new'),
    look: text('/a'),
    end: 'new',
  });
  assert.deepEqual(found, new Set([undefined, 'new']));
});

test('writeDurable sets the mode whatever was there', async () => {
  const { files } = createMemoryHost();
  await writeDurable(files, '/a', '', 0o600);
  await writeDurable(files, '/a', '', 0o444);
  assert.equal((await files.status('/a'))?.mode, 0o444);
});

test('a write that fails leaves the old file and nothing beside it', async () => {
  for (const operation of ['write', 'sync', 'rename']) {
    const host = createMemoryHost();
    await writeDurable(host.files, '/a', 'old');
    host.machine.faults.push({ operation, path: /./, code: 'EIO', times: 1 });
    await assert.rejects(writeDurable(host.files, '/a', 'new'), HostError);
    assert.equal(await host.files.readText('/a'), 'old');
    assert.deepEqual(
      (await host.files.list('/')).filter(({ kind }) => kind === 'file'),
      [{ name: 'a', kind: 'file' }],
      operation,
    );
  }
});

test('copyDurable and renameDurable leave the old target or the whole new one', async () => {
  const before = { '/d/from': 'new', '/d/to': 'old' };
  const copied = await seen({
    before,
    operation: ({ files }) => copyDurable(files, '/d/from', '/d/to', 0o644),
    look: text('/d/to'),
    end: 'new',
  });
  assert.deepEqual(copied, new Set(['old', 'new']));
  const moved = await seen({
    operation: async ({ files }) => {
      await files.write('/from', 'not synced by the caller');
      await renameDurable(files, '/from', '/to');
    },
    look: text('/to'),
    end: 'not synced by the caller',
  });
  assert.deepEqual(moved, new Set([undefined, 'not synced by the caller']));
});

test('linkDurable replaces what was there, also a link to the same file', async () => {
  const found = await seen({
    before: { '/o/object': 'object', '/d/a': 'other' },
    operation: ({ files }) => linkDurable(files, '/o/object', '/d/a'),
    look: text('/d/a'),
    end: 'object',
  });
  assert.deepEqual(found, new Set(['other', 'object']));
  const { files } = createMemoryHost();
  await files.write('/object', '');
  await linkDurable(files, '/object', '/a');
  await linkDurable(files, '/object', '/a');
  assert.equal((await files.status('/object'))?.links, 2);
});

test('replaceSymlink points to the old or the new', async () => {
  const host = createMemoryHost();
  await replaceSymlink(host.files, 'one', '/current');
  const found = new Set<string>();
  await tryEveryCut({
    host,
    operation: () => replaceSymlink(host.files, 'two', '/current'),
    check: async (survivor) => void found.add(await survivor.files.readLink('/current')),
  });
  assert.deepEqual(found, new Set(['one', 'two']));
});

test('removeDurable and makeTree are done when they say so', async () => {
  const removed = await seen({
    before: { '/d/a': 'x' },
    operation: ({ files }) => removeDurable(files, '/d/a'),
    look: text('/d/a'),
    end: undefined,
  });
  assert.deepEqual(removed, new Set(['x', undefined]));
  const made = await seen({
    operation: ({ files }) => makeTree(files, '/p/q/r'),
    look: async ({ files }) => (await files.status('/p/q/r'))?.kind,
    end: 'directory',
  });
  assert.deepEqual(made, new Set([undefined, 'directory']));
});

test('removeTree takes everything, links and all', async () => {
  const { files } = createMemoryHost();
  await makeTree(files, '/d/e/f');
  await files.write('/keep', 'x');
  await files.link('/keep', '/d/e/link');
  await files.symlink('/', '/d/root');
  await removeTree(files, '/d');
  await removeTree(files, '/d');
  assert.equal(await files.status('/d'), undefined);
  assert.equal((await files.status('/keep'))?.links, 1);
});

test('long names get a temporary name that fits', () => {
  const path = `/d/${'ü'.repeat(127)}`;
  assert.ok(Buffer.byteLength(temporaryOf(path).slice(3)) <= 255);
  assert.notEqual(temporaryOf('/d/x'), '/d/x.tmp');
});
