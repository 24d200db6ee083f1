/** What every implementation of the port `Files` promises about content and directories. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Files } from '../ports.ts';
import { type Fixture, on, refused, timeLimit } from './expectations.ts';
import { fileNames } from './file-names.ts';

export interface FilesFixture extends Fixture {
  files: Files;
  /** An empty directory. */
  directory: string;
}

const bytes = (...values: number[]) => Uint8Array.from(values);

function content(test: Test): void {
  test('reads what was written, byte for byte', async ({ files, directory }) => {
    const path = `${directory}/f`;
    await files.write(path, bytes(0, 255, 128, 10, 13));
    assert.deepEqual(new Uint8Array(await files.read(path)), bytes(0, 255, 128, 10, 13));
    await files.write(path, 'grün 🦊\n');
    assert.equal(await files.readText(path), 'grün 🦊\n');
    await files.write(path, '');
    assert.equal((await files.read(path)).length, 0);
  });
  test('replaces malformed UTF-8 when reading text', async ({ files, directory }) => {
    await files.write(`${directory}/f`, bytes(0x61, 0xff, 0x62));
    assert.equal(await files.readText(`${directory}/f`), 'a\ufffdb');
  });
  test('refuses to read more than the limit', async ({ files, directory }) => {
    const path = `${directory}/f`;
    await files.write(path, 'four');
    assert.equal(await files.readText(path, 4), 'four');
    await refused(files.read(path, 3), 'EFBIG', path);
    await refused(files.readText(path, 0), 'EFBIG', path);
  });
  test('refuses to read what is not there or a directory', async ({ files, directory }) => {
    await refused(files.read(`${directory}/none`), 'ENOENT', `${directory}/none`);
    await refused(files.readText(`${directory}/none/below`), 'ENOENT');
    await refused(files.read(directory), 'EISDIR', directory);
    await files.write(`${directory}/f`, '');
    await refused(files.read(`${directory}/f/below`), 'ENOTDIR');
  });
  test('writes with exactly the mode, and keeps the mode of a file that is there', async ({ files, directory }) => {
    const path = `${directory}/f`;
    await files.write(path, 'first, longer', { mode: 0o666 });
    assert.equal((await files.status(path))?.mode, 0o666);
    await files.write(path, 'second', { mode: 0o600 });
    assert.equal(await files.readText(path), 'second');
    assert.equal((await files.status(path))?.mode, 0o666);
    await files.append(`${directory}/g`, 'x', { mode: 0o640 });
    assert.equal((await files.status(`${directory}/g`))?.mode, 0o640);
  });
  test('writes exclusively only where nothing is', async ({ files, directory }) => {
    const path = `${directory}/f`;
    await files.write(path, 'one', { exclusive: true });
    await refused(files.write(path, 'two', { exclusive: true }), 'EEXIST', path);
    assert.equal(await files.readText(path), 'one');
    await files.symlink('nowhere', `${directory}/link`);
    await refused(files.write(`${directory}/link`, 'x', { exclusive: true }), 'EEXIST');
  });
  test('refuses to write where no file can be', async ({ files, directory }) => {
    await refused(files.write(`${directory}/none/f`, ''), 'ENOENT');
    await refused(files.write(directory, ''), 'EISDIR', directory);
    await refused(files.append(directory, ''), 'EISDIR', directory);
    await files.write(`${directory}/f`, '');
    await refused(files.write(`${directory}/f/g`, ''), 'ENOTDIR');
    await refused(files.write(`${directory}/${'n'.repeat(256)}`, ''), 'ENAMETOOLONG');
  });
  test('writes through a symbolic link', async ({ files, directory }) => {
    await files.symlink('target', `${directory}/link`);
    await files.write(`${directory}/link`, 'x');
    assert.equal(await files.readText(`${directory}/target`), 'x');
  });
  test('overwrites in place, extends, and fills a gap with zeros', async ({ files, directory }) => {
    const path = `${directory}/f`;
    await files.write(path, 'abcdef');
    await files.overwrite(path, bytes(0x58, 0x59), 2);
    assert.equal(await files.readText(path), 'abXYef');
    await files.overwrite(path, bytes(0x5a), 8);
    assert.equal(await files.readText(path), 'abXYef\0\0Z');
    await refused(files.overwrite(`${directory}/none`, bytes(1), 0), 'ENOENT', `${directory}/none`);
  });
  test('appends, and makes the file', async ({ files, directory }) => {
    await files.append(`${directory}/f`, 'a');
    await files.append(`${directory}/f`, bytes(0x62));
    assert.equal(await files.readText(`${directory}/f`), 'ab');
  });
  test('copies content with a mode', async ({ files, directory }) => {
    const [from, to] = [`${directory}/from`, `${directory}/to`];
    const data = new Uint8Array(700_001).map((_, index) => index % 251);
    await files.write(from, data);
    await files.write(to, new Uint8Array(800_000), { mode: 0o777 });
    await files.copy(from, to, 0o750);
    assert.deepEqual(new Uint8Array(await files.read(to)), new Uint8Array(data));
    assert.equal((await files.status(to))?.mode, 0o750);
    await refused(files.copy(`${directory}/none`, `${directory}/new`, 0o644), 'ENOENT');
    assert.equal(await files.status(`${directory}/new`), undefined);
  });
  test('hashes content of any length', async ({ files, directory }) => {
    for (const size of [0, 3, 262_144, 1_000_003]) {
      const data = new Uint8Array(size).map((_, index) => (index * 7) % 253);
      await files.write(`${directory}/f`, data);
      assert.equal(await files.digest(`${directory}/f`), createHash('sha256').update(data).digest('hex'));
    }
    await refused(files.digest(`${directory}/none`), 'ENOENT', `${directory}/none`);
    await refused(files.digest(directory), 'EISDIR', directory);
  });
  test('makes files and directories durable, and says when there is none', async ({ files, directory }) => {
    await files.write(`${directory}/f`, 'x');
    await files.sync(`${directory}/f`);
    await files.syncDirectory(directory);
    await refused(files.sync(`${directory}/none`), 'ENOENT');
    await refused(files.syncDirectory(`${directory}/none`), 'ENOENT');
    await refused(files.syncDirectory(`${directory}/f`), 'ENOTDIR');
    await files.syncFileSystem(directory);
    await files.syncFileSystem(`${directory}/f`);
    await refused(files.syncFileSystem(`${directory}/none`), 'ENOENT', `${directory}/none`);
  });
}

function machine(test: Test): void {
  test('tells the space of a file system', async ({ files, directory }) => {
    const { total, free, available, type } = await files.space(directory);
    assert.ok(total >= free && free >= available && available > 0, JSON.stringify({ total, free, available }));
    assert.match(type, /^\w+$/);
    await refused(files.space(`${directory}/none`), 'ENOENT');
  });
  test('locks a file for one holder, and names it to others', async ({ files, directory }) => {
    const path = `${directory}/lock`;
    const first = await files.lock(path);
    const pid = (await files.readText(path)).trim();
    assert.match(pid, /^[1-9]\d*$/);
    const error = await refused(files.lock(path), 'EWOULDBLOCK', path);
    assert.ok(error.message.includes(pid), error.message);
    await first.release();
    await first.release();
    const second = await files.lock(path);
    assert.equal((await files.readText(path)).trim(), pid);
    await second.release();
    await refused(files.lock(`${directory}/none/lock`), 'ENOENT');
  });
}

export type Test = (title: string, body: (fixture: FilesFixture) => Promise<void>) => void;

/**
 * Registers the tests of the port `Files`.
 * @param name of the implementation
 * @param create a fresh fixture for each test
 */
export function testFiles(name: string, create: () => Promise<FilesFixture>): void {
  const test: Test = (title, body) => {
    it(title, { timeout: timeLimit }, on(create, body));
  };
  describe(`files: ${name}`, () => {
    content(test);
    fileNames(test);
    machine(test);
  });
}
