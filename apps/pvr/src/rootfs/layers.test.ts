import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { type Member, makeTar } from '../testing/tar.ts';
import { readDirectoryTree } from './directory.ts';
import { applyLayer, decompress } from './layers.ts';
import { overlayOf } from './overlay.ts';
import { readSquashfs, writeSquashfs } from './squashfs.ts';
import { readTarIndex } from './tar-index.ts';
import { writeTar } from './tar-writer.ts';
import { RootTree } from './tree.ts';

function scratch(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'pvr-rootfs-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function treeOf(directory: string, ...layers: readonly Member[][]): Promise<RootTree> {
  const tree = new RootTree();
  for (const [index, members] of layers.entries()) {
    const path = join(directory, `${index}-${Math.random()}.tar`);
    writeFileSync(path, makeTar(members));
    await applyLayer(tree, path, 'a layer');
  }
  return tree;
}

const namesOf = (tree: RootTree): string[] => Array.from(tree.entries(), ([name]) => name);

function contentOf(tree: RootTree, name: string): string {
  const { content, size } = tree.find(name)!.inode;
  return readFileSync(content!.path).toString('utf8', content!.offset, content!.offset + size);
}

test('later layers replace, add and remove', async (context) => {
  const tree = await treeOf(
    scratch(context),
    [
      { name: './etc/', type: '5', mode: 0o755 },
      { name: './etc/a', content: 'old' },
      { name: './etc/b', content: 'b' },
      { name: 'opt/x/', type: '5' },
      { name: 'opt/x/one', content: '1' },
      { name: 'opt/y/two', content: '2' },
    ],
    [
      { name: 'etc/a', content: 'new' },
      { name: 'etc/.wh.b' },
      { name: 'opt/x/.wh..wh..opq' },
      { name: 'opt/x/three', content: '3' },
      { name: 'opt/.wh.y' },
    ],
  );
  assert.deepEqual(namesOf(tree), ['etc', 'etc/a', 'opt', 'opt/x', 'opt/x/three']);
  assert.equal(contentOf(tree, 'etc/a'), 'new');
});

test('an opaque marker spares what its own layer brings, wherever it stands', async (context) => {
  const tree = await treeOf(
    scratch(context),
    [{ name: 'd/low', content: 'l' }],
    [{ name: 'd/high', content: 'h' }, { name: 'd/.wh..wh..opq' }],
  );
  assert.deepEqual(namesOf(tree), ['d', 'd/high']);
});

test('files below a link of a lower layer go where the link leads, inside of the image', async (context) => {
  const tree = await treeOf(
    scratch(context),
    [
      { name: 'usr/lib/', type: '5' },
      { name: 'lib', type: '2', target: '/usr/lib' },
      { name: 'up', type: '2', target: '../../../../etc' },
    ],
    [
      { name: 'lib/foo', content: 'f' },
      { name: 'up/passwd', content: 'p' },
    ],
  );
  assert.equal(contentOf(tree, 'usr/lib/foo'), 'f');
  assert.equal(contentOf(tree, 'etc/passwd'), 'p');
  assert.equal(tree.find('lib')!.inode.type, 'symlink');
});

test('hostile archives are refused or stay inside', async (context) => {
  const directory = scratch(context);
  const hostile: [string, Member[], RegExp][] = [
    ['a name that climbs', [{ name: '../../etc/passwd', content: 'x' }], /climbs out/],
    ['a name that climbs later', [{ name: 'a/../../x', content: 'x' }], /climbs out/],
    ['a hard link to nothing', [{ name: 'x', type: '1', target: 'etc/shadow' }], /no file etc\/shadow/],
    ['a hard link out', [{ name: 'x', type: '1', target: '../../etc/shadow' }], /climbs out/],
    [
      'links in a circle',
      [
        { name: 'a', type: '2', target: 'b' },
        { name: 'b', type: '2', target: 'a' },
        { name: 'a/x', content: 'x' },
      ],
      /circle/,
    ],
    ['a whiteout that climbs', [{ name: '../.wh.etc' }], /climbs out/],
  ];
  for (const [what, members, message] of hostile) await assert.rejects(treeOf(directory, members), message, what);
  const absolute = await treeOf(directory, [
    { name: '/etc/passwd', content: 'mine' },
    { name: 'w', type: '2', target: '/' },
    { name: 'w/tmp/x', content: 'x' },
  ]);
  assert.deepEqual(namesOf(absolute), ['etc', 'etc/passwd', 'tmp', 'tmp/x', 'w']);
});

test('broken archives say so', async (context) => {
  const directory = scratch(context);
  const good = makeTar([{ name: 'a', content: 'x'.repeat(2000) }]);
  const path = join(directory, 'broken.tar');
  const damage: [string, Buffer, RegExp][] = [
    ['truncated', good.subarray(0, 1024), /ends in the middle/],
    ['checksum', Buffer.concat([Buffer.from('b'), good.subarray(1)]), /wrong checksum/],
  ];
  for (const [what, bytes, message] of damage) {
    writeFileSync(path, bytes);
    assert.throws(() => [...readTarIndex(path, 'it')], message, what);
  }
  writeFileSync(path, gzipSync(good).subarray(0, 60));
  await assert.rejects(decompress(path, join(directory, 'out'), 'it'), /cannot unpack it/);
});

test('random bytes are never more than a failure with a message', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pvr-rootfs-'));
  try {
    const path = join(directory, 'random.tar');
    const base = makeTar([
      { name: 'dir/file', content: 'hello' },
      { name: 'l', type: '2', target: 'dir' },
    ]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(base);
        for (const [at, value] of changes) bytes[at] = value;
        writeFileSync(path, bytes);
        try {
          for (const member of readTarIndex(path, 'it')) new RootTree().put(member.name, { ...member, type: 'file' });
        } catch (error) {
          assert.match((error as Error).message, /^cannot unpack/);
        }
      }),
      { numRuns: 300 },
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('gzip and zstd layers are told by their content', async (context) => {
  const directory = scratch(context);
  const tar = makeTar([{ name: 'a', content: 'x' }]);
  const expected = createHash('sha256').update(tar).digest('hex');
  for (const [name, bytes] of [
    ['plain', tar],
    ['gzip', gzipSync(tar)],
    ['zstd', zstdCompressSync(tar)],
  ] as const) {
    writeFileSync(join(directory, name), bytes);
    assert.equal(await decompress(join(directory, name), join(directory, 'out'), name), expected, name);
  }
});

test('a tree comes back from a tar that tar itself understands', async (context) => {
  const directory = scratch(context);
  const long = `deep/${'long-name-'.repeat(9)}/${'file-'.repeat(20)}`;
  const tree = await treeOf(directory, [
    { name: 'bin/', type: '5', mode: 0o755 },
    { name: 'bin/a', content: 'aaa', mode: 0o4755, uid: 7 },
    { name: 'bin/b', type: '1', target: 'bin/a' },
    { name: 'dev/null', type: '3', major: 1, minor: 3, mode: 0o666 },
    { name: 'fifo', type: '6' },
    { name: 'link', type: '2', target: 'x'.repeat(80) },
  ]);
  const [source] = [...tree.entries()].filter(([name]) => name === 'bin/a');
  tree.put(long, source![1].inode);
  const path = join(directory, 'again.tar');
  const pieces: Uint8Array[] = [];
  for await (const piece of writeTar(tree)) pieces.push(piece);
  writeFileSync(path, Buffer.concat(pieces));
  const { stdout, status } = spawnSync('tar', ['tvf', path], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /-rwsr-xr-x 7\/0 +3 .* bin\/a/);
  assert.match(stdout, /bin\/b link to bin\/a/);
  assert.match(stdout, /crw-rw-rw- 0\/0 +1,3 .* dev\/null/);
  const again = new RootTree();
  await applyLayer(again, path, 'it');
  assert.deepEqual(namesOf(again), namesOf(tree));
  assert.equal(again.find(long)!.inode, again.find('bin/a')!.inode);
});

test('an image is the same whenever and by whomever it is packed, and can be read back', async (context) => {
  const directory = scratch(context);
  const folder = join(directory, 'folder');
  mkdirSync(join(folder, 'etc'), { recursive: true });
  writeFileSync(join(folder, 'etc', 'a file'), 'content');
  writeFileSync(join(folder, 'back\\slash'), '');
  symlinkSync('etc/a file', join(folder, 'link'));
  const shas: string[] = [];
  for (const name of ['one', 'two']) {
    const target = join(directory, `${name}.squashfs`);
    await writeSquashfs(readDirectoryTree(folder, false), target);
    shas.push(createHash('sha256').update(readFileSync(target)).digest('hex'));
    writeFileSync(join(folder, 'etc', 'a file'), 'content');
  }
  assert.equal(shas[0], shas[1]);
  const tree = await readSquashfs(join(directory, 'one.squashfs'), join(directory, 'pseudo'));
  assert.deepEqual(namesOf(tree), ['back\\slash', 'etc', 'etc/a file', 'link']);
  assert.equal(contentOf(tree, 'etc/a file'), 'content');
  assert.equal(tree.find('link')!.inode.target, 'etc/a file');
});

test('an overlay has what is new or changed, and whiteouts for what is gone', async (context) => {
  const directory = scratch(context);
  const base = await treeOf(directory, [
    { name: 'same', content: 's' },
    { name: 'changed', content: 'one' },
    { name: 'mode', content: 'm', mode: 0o644 },
    { name: 'gone/deep/file', content: 'g' },
    { name: 'kept/a', content: 'a' },
  ]);
  const wanted = await treeOf(directory, [
    { name: 'same', content: 's' },
    { name: 'changed', content: 'two' },
    { name: 'mode', content: 'm', mode: 0o755 },
    { name: 'kept/a', content: 'a' },
    { name: 'kept/b', content: 'b' },
  ]);
  const upper = overlayOf(base, wanted);
  assert.deepEqual(namesOf(upper), ['changed', 'gone', 'kept', 'kept/b', 'mode']);
  const { type, major, minor } = upper.find('gone')!.inode;
  assert.deepEqual({ type, major, minor }, { type: 'character', major: 0, minor: 0 });
});
