import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HostError } from '../ports.ts';
import { createMemoryHost, type MemoryHost } from './host.ts';
import { everyChoice } from './random.ts';

/** Every content that a path can have after a power cut now; undefined for a path that is gone. */
async function survivors(host: MemoryHost, path: string): Promise<Set<string | undefined>> {
  const hosts: MemoryHost[] = [];
  const { complete } = everyChoice((choose) => hosts.push(host.crash({ choose })), 10_000);
  assert.ok(complete);
  const seen = new Set<string | undefined>();
  for (const next of hosts) {
    const there = (await next.files.status(path)) !== undefined;
    seen.add(there ? await next.files.readText(path) : undefined);
  }
  return seen;
}

test('what was never synced may be there or not', async () => {
  const host = createMemoryHost();
  await host.files.write('/a', 'one');
  assert.deepEqual(await survivors(host, '/a'), new Set([undefined, '', 'one', '\0\0\0']));
  await host.files.sync('/a');
  assert.deepEqual(await survivors(host, '/a'), new Set([undefined, 'one']));
  await host.files.syncDirectory('/');
  assert.deepEqual(await survivors(host, '/a'), new Set(['one']));
});

test('a synced file keeps its content when only its new name was not synced', async () => {
  const host = createMemoryHost();
  await host.files.write('/a', 'old');
  await host.files.sync('/a');
  await host.files.syncDirectory('/');
  await host.files.write('/a.tmp', 'new');
  await host.files.sync('/a.tmp');
  await host.files.rename('/a.tmp', '/a');
  assert.deepEqual(await survivors(host, '/a'), new Set(['old', 'new']));
});

test('a rename before the content is synced can leave an empty file', async () => {
  const host = createMemoryHost();
  await host.files.write('/a', 'old');
  await host.files.sync('/a');
  await host.files.syncDirectory('/');
  await host.files.write('/a.tmp', 'new');
  await host.files.rename('/a.tmp', '/a');
  assert.ok((await survivors(host, '/a')).has(''));
});

test('sectors of a write are whole, but not all of them', async () => {
  const host = createMemoryHost();
  await host.files.write('/a', 'o'.repeat(1536));
  await host.files.sync('/a');
  await host.files.syncDirectory('/');
  await host.files.overwrite('/a', new TextEncoder().encode('n'.repeat(1024)), 256);
  for (const content of await survivors(host, '/a')) {
    assert.match(content ?? '', /^o{256}(o{256}|n{256})(o{512}|n{512})(o{256}|n{256})o{256}$/);
  }
  assert.equal((await survivors(host, '/a')).size, 6);
});

test('a directory that is not durable takes all of its content along', async () => {
  const host = createMemoryHost();
  await host.files.makeDirectory('/d');
  await host.files.write('/d/a', 'x');
  await host.files.sync('/d/a');
  await host.files.syncDirectory('/d');
  assert.deepEqual(await survivors(host, '/d/a'), new Set([undefined, 'x']));
});

test('a rename between directories never loses the file', async () => {
  const host = createMemoryHost();
  await host.files.makeDirectory('/p');
  await host.files.makeDirectory('/q');
  await host.files.write('/p/a', 'x');
  await host.files.sync('/p/a');
  for (const path of ['/', '/p', '/q']) await host.files.syncDirectory(path);
  await host.files.rename('/p/a', '/q/b');
  const outcomes = async () => {
    const seen: string[] = [];
    const hosts: MemoryHost[] = [];
    everyChoice((choose) => hosts.push(host.crash({ choose })), 100);
    for (const next of hosts) {
      const [old, now] = [await next.files.status('/p/a'), await next.files.status('/q/b')];
      seen.push(`${old ? 'old' : ''}${now ? 'new' : ''}`);
    }
    return seen;
  };
  assert.deepEqual(await outcomes(), ['old', 'new']);
  await host.files.syncDirectory('/q');
  assert.deepEqual(await outcomes(), ['oldnew', 'new']);
  await host.files.syncDirectory('/p');
  assert.deepEqual(await outcomes(), ['new']);
});

test('a full disk refuses, and space comes back', async () => {
  const host = createMemoryHost({ capacity: 8192 });
  await host.files.write('/a', 'x'.repeat(5000));
  await assert.rejects(
    host.files.write('/b', 'y'),
    (error) => error instanceof HostError && error.code === 'ENOSPC' && error.path === '/b',
  );
  await host.files.unlink('/a');
  await host.files.write('/b', 'y');
  assert.equal((await host.files.space('/')).free, 4096);
});

test('links count, and the last one frees the space', async () => {
  const host = createMemoryHost();
  await host.files.write('/a', 'x');
  await host.files.link('/a', '/b');
  const [a, b] = [await host.files.status('/a'), await host.files.status('/b')];
  assert.equal(a?.inode, b?.inode);
  assert.equal(a?.links, 2);
  await host.files.rename('/a', '/b');
  assert.equal((await host.files.status('/b'))?.links, 2, 'two names of one file stay both');
  await host.files.unlink('/a');
  assert.equal((await host.files.status('/b'))?.links, 1);
});

test('whatever was synced survives, whatever the order of changes', async () => {
  const command = fc.record({
    verb: fc.constantFrom('write', 'append', 'rename', 'unlink', 'link', 'sync', 'syncDirectory'),
    from: fc.constantFrom('/d/a', '/d/b', '/e/c'),
    to: fc.constantFrom('/d/b', '/e/c', '/e/d'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), fc.nat(), async (commands, seed) => {
      const host = createMemoryHost();
      for (const path of ['/d', '/e']) await host.files.makeDirectory(path);
      await host.files.syncDirectory('/');
      for (const [index, { verb, from, to }] of commands.entries()) {
        const act = {
          write: () => host.files.write(from, `w${index}`),
          append: () => host.files.append(from, `a${index}`),
          rename: () => host.files.rename(from, to),
          unlink: () => host.files.unlink(from),
          link: () => host.files.link(from, to),
          sync: () => host.files.sync(from),
          syncDirectory: () => host.files.syncDirectory(from.slice(0, 2)),
        }[verb];
        await act?.().catch((error: unknown) => assert.ok(error instanceof HostError));
      }
      const tree = async (one: MemoryHost) => {
        const lines: string[] = [];
        for (const directory of ['/d', '/e'])
          for (const { name } of await one.files.list(directory)) {
            const path = `${directory}/${name}`;
            lines.push(`${path} ${(await one.files.status(path))?.links} ${await one.files.readText(path)}`);
          }
        return lines;
      };
      const before = await tree(host);
      await tree(host.crash({ seed }));
      assert.deepEqual(await tree(host), before, 'asking for an outcome changes nothing');
      for (const directory of ['/d', '/e']) {
        for (const { name } of await host.files.list(directory)) await host.files.sync(`${directory}/${name}`);
        await host.files.syncDirectory(directory);
      }
      assert.deepEqual(await tree(host.crash({ seed })), before);
    }),
    { numRuns: 200 },
  );
});
