/** What every implementation of the port `Files` promises about names: renaming, links, directories, status. */
import assert from 'node:assert/strict';
import { refused } from './expectations.ts';
import type { Test } from './files.ts';

function renaming(test: Test): void {
  test('renames, replacing what is there', async ({ files, directory }) => {
    await files.write(`${directory}/a`, 'new');
    await files.write(`${directory}/b`, 'old');
    await files.rename(`${directory}/a`, `${directory}/b`);
    assert.equal(await files.readText(`${directory}/b`), 'new');
    assert.equal(await files.status(`${directory}/a`), undefined);
  });
  test('renames a directory with all in it, also over an empty one', async ({ files, directory }) => {
    await files.makeDirectory(`${directory}/a`);
    await files.write(`${directory}/a/f`, 'x');
    await files.makeDirectory(`${directory}/b`);
    await files.rename(`${directory}/a`, `${directory}/b`);
    assert.equal(await files.readText(`${directory}/b/f`), 'x');
  });
  test('refuses impossible renames', async ({ files, directory }) => {
    const path = (name: string) => `${directory}/${name}`;
    await files.write(path('file'), '');
    await files.makeDirectory(path('empty'));
    await files.makeDirectory(path('full'));
    await files.write(path('full/f'), '');
    await refused(files.rename(path('none'), path('x')), 'ENOENT', path('x'));
    await refused(files.rename(path('file'), path('none/x')), 'ENOENT');
    await refused(files.rename(path('file'), path('empty')), 'EISDIR');
    await refused(files.rename(path('empty'), path('file')), 'ENOTDIR');
    await refused(files.rename(path('empty'), path('full')), 'ENOTEMPTY');
    await refused(files.rename(path('full'), path('full/below')), 'EINVAL');
  });
}

function links(test: Test): void {
  test('links a file under a second name', async ({ files, directory }) => {
    const [first, second] = [`${directory}/a`, `${directory}/b`];
    await files.write(first, 'x');
    await files.link(first, second);
    const [one, two] = [await files.status(first), await files.status(second)];
    assert.equal(one?.inode, two?.inode);
    assert.equal(two?.links, 2);
    await files.unlink(first);
    assert.equal(await files.readText(second), 'x');
    assert.equal((await files.status(second))?.links, 1);
    await files.write(first, 'y');
    await refused(files.link(first, second), 'EEXIST', second);
    await refused(files.link(`${directory}/none`, `${directory}/c`), 'ENOENT');
    await refused(files.link(directory, `${directory}/c`), 'EPERM');
  });
  test('makes, reads and resolves symbolic links', async ({ files, directory }) => {
    await files.makeDirectory(`${directory}/d`);
    await files.write(`${directory}/d/f`, 'x');
    await files.symlink('d', `${directory}/link`);
    assert.equal(await files.readLink(`${directory}/link`), 'd');
    assert.equal(await files.readText(`${directory}/link/f`), 'x');
    assert.equal(await files.realPath(`${directory}/link/f`), `${await files.realPath(directory)}/d/f`);
    await refused(files.symlink('x', `${directory}/link`), 'EEXIST', `${directory}/link`);
    await refused(files.readLink(`${directory}/d`), 'EINVAL');
    await refused(files.readLink(`${directory}/none`), 'ENOENT');
    await refused(files.realPath(`${directory}/none`), 'ENOENT');
  });
  test('ends a circle of links', async ({ files, directory }) => {
    await files.symlink('b', `${directory}/a`);
    await files.symlink('a', `${directory}/b`);
    await refused(files.read(`${directory}/a`), 'ELOOP');
    await refused(files.realPath(`${directory}/a`), 'ELOOP');
  });
}

function directories(test: Test): void {
  test('makes a directory with exactly the mode', async ({ files, directory }) => {
    await files.makeDirectory(`${directory}/a`, 0o777);
    assert.equal((await files.status(`${directory}/a`))?.mode, 0o777);
    await files.makeDirectory(`${directory}/b`);
    assert.equal((await files.status(`${directory}/b`))?.kind, 'directory');
    await refused(files.makeDirectory(`${directory}/a`), 'EEXIST', `${directory}/a`);
    await refused(files.makeDirectory(`${directory}/none/below`), 'ENOENT');
  });
  test('removes what it is asked to, and nothing else', async ({ files, directory }) => {
    const path = (name: string) => `${directory}/${name}`;
    await files.makeDirectory(path('d'));
    await files.write(path('d/f'), 'x');
    await files.symlink('d/f', path('link'));
    await refused(files.removeDirectory(path('d')), 'ENOTEMPTY', path('d'));
    await refused(files.removeDirectory(path('d/f')), 'ENOTDIR');
    await refused(files.removeDirectory(path('none')), 'ENOENT');
    await refused(files.unlink(path('d')), 'EISDIR', path('d'));
    await refused(files.unlink(path('none')), 'ENOENT');
    await files.unlink(path('link'));
    assert.equal(await files.readText(path('d/f')), 'x');
    await files.unlink(path('d/f'));
    await files.removeDirectory(path('d'));
    assert.deepEqual(await files.list(directory), []);
  });
  test('lists by code units, with kinds', async ({ files, directory }) => {
    for (const name of ['b', 'a', 'B', 'ä', '\uffee', '🦊', '.hidden']) await files.write(`${directory}/${name}`, '');
    await files.makeDirectory(`${directory}/dir`);
    await files.symlink('a', `${directory}/link`);
    const entries = await files.list(directory);
    // A surrogate pair sorts before U+FFEE by code units, after it by code points.
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['.hidden', 'B', 'a', 'b', 'dir', 'link', 'ä', '🦊', '\uffee'],
    );
    assert.equal(entries.find(({ name }) => name === 'dir')?.kind, 'directory');
    assert.equal(entries.find(({ name }) => name === 'link')?.kind, 'symlink');
    assert.equal(entries.find(({ name }) => name === 'a')?.kind, 'file');
    await refused(files.list(`${directory}/none`), 'ENOENT', `${directory}/none`);
    await refused(files.list(`${directory}/a`), 'ENOTDIR');
  });
}

function status(test: Test): void {
  test('tells the status, of a link or of what it leads to', async ({ files, directory }) => {
    const path = `${directory}/f`;
    await files.write(path, '12345', { mode: 0o640 });
    await files.symlink('f', `${directory}/link`);
    const found = await files.status(path);
    assert.ok(found);
    const { kind, size, mode, links: count } = found;
    assert.deepEqual({ kind, size, mode, links: count }, { kind: 'file', size: 5, mode: 0o640, links: 1 });
    assert.ok(found.modified > 0);
    assert.equal((await files.status(`${directory}/link`))?.kind, 'symlink');
    assert.equal((await files.status(`${directory}/link`, { follow: true }))?.inode, found.inode);
    await files.changeMode(path, 0o400);
    assert.equal((await files.status(path))?.mode, 0o400);
    await refused(files.changeMode(`${directory}/none`, 0o400), 'ENOENT');
  });
  test('has no status where nothing is', async ({ files, directory }) => {
    await files.write(`${directory}/f`, '');
    await files.symlink('none', `${directory}/dangling`);
    assert.equal(await files.status(`${directory}/none`), undefined);
    assert.equal(await files.status(`${directory}/none/below`), undefined);
    assert.equal(await files.status(`${directory}/f/below`), undefined);
    assert.equal(await files.status(`${directory}/dangling`, { follow: true }), undefined);
  });
}

/** Registers the tests about names. */
export function fileNames(test: Test): void {
  renaming(test);
  links(test);
  directories(test);
  status(test);
}
