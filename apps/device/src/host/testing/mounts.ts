/** What every implementation of the port `Mounts` promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Files, Mounts } from '../ports.ts';
import { type Fixture, on, refused, timeLimit } from './expectations.ts';

export interface MountsFixture extends Fixture {
  mounts: Mounts;
  files: Files;
  /** An empty directory whose path is its real path; `dispose` unmounts whatever a failed test left mounted below it. */
  directory: string;
  /** Makes a file system image with these files at its top. */
  makeImage(path: string, content: Record<string, string>): Promise<{ filesystem: string }>;
}

/**
 * Registers the tests of the port `Mounts`.
 * @param name of the implementation
 * @param create a fresh fixture for each test
 */
export function testMounts(name: string, create: () => Promise<MountsFixture>): void {
  const test = (title: string, body: (fixture: MountsFixture) => Promise<void>) =>
    it(title, { timeout: timeLimit }, on(create, body));
  describe(`mounts: ${name}`, () => {
    test('mounts over a directory, lists it, and unmounts it', async ({ mounts, files, directory }) => {
      await files.write(`${directory}/below`, '');
      await mounts.mount({ source: 'tmpfs', target: directory, type: 'tmpfs', flags: ['nosuid', 'nodev'] });
      assert.deepEqual(await files.list(directory), []);
      const entry = (await mounts.list()).find(({ target }) => target === directory);
      assert.equal(entry?.type, 'tmpfs');
      assert.match(entry?.device ?? '', /^\d+:\d+$/);
      await mounts.unmount(directory);
      assert.equal(
        (await mounts.list()).some(({ target }) => target === directory),
        false,
      );
      assert.equal((await files.list(directory)).length, 1);
      await refused(mounts.unmount(directory), 'EINVAL', directory);
    });
    test('lists paths with spaces, tabs, backslashes and other scripts as they are', async ({
      mounts,
      files,
      directory,
    }) => {
      const target = `${directory}/a b\tc\\d\ngrün`;
      await files.makeDirectory(target);
      await mounts.mount({ source: 'tmpfs', target, type: 'tmpfs' });
      assert.ok((await mounts.list()).some((entry) => entry.target === target));
      await mounts.unmount(target);
    });
    test('lists the oldest first', async ({ mounts, directory }) => {
      await mounts.mount({ source: 'first', target: directory, type: 'tmpfs' });
      await mounts.mount({ source: 'second', target: directory, type: 'tmpfs' });
      const sources = (await mounts.list()).filter(({ target }) => target === directory).map(({ source }) => source);
      await mounts.unmount(directory);
      await mounts.unmount(directory);
      assert.deepEqual(sources, ['first', 'second']);
    });
    test('binds a directory and a file', async ({ mounts, files, directory }) => {
      await files.makeDirectory(`${directory}/a`);
      await files.makeDirectory(`${directory}/b`);
      await files.write(`${directory}/a/f`, 'x');
      await files.write(`${directory}/g`, '');
      await mounts.mount({ source: `${directory}/a`, target: `${directory}/b`, flags: ['bind'] });
      await mounts.mount({ source: `${directory}/a/f`, target: `${directory}/g`, flags: ['bind'] });
      assert.equal(await files.readText(`${directory}/b/f`), 'x');
      assert.equal(await files.readText(`${directory}/g`), 'x');
      await files.write(`${directory}/b/new`, 'y');
      assert.equal(await files.readText(`${directory}/a/new`), 'y');
      await mounts.unmount(`${directory}/g`);
      await mounts.unmount(`${directory}/b`);
      assert.deepEqual(await files.list(`${directory}/b`), []);
    });
    test('makes a bind mount read-only by remounting it', async ({ mounts, files, directory }) => {
      await files.makeDirectory(`${directory}/a`);
      await files.makeDirectory(`${directory}/b`);
      const [source, target] = [`${directory}/a`, `${directory}/b`];
      await mounts.mount({ source, target, flags: ['bind'] });
      await mounts.mount({ source, target, flags: ['bind', 'remount', 'readonly'] });
      await refused(files.write(`${target}/f`, ''), 'EROFS');
      await files.write(`${source}/f`, '');
      await mounts.unmount(target);
    });
    test('mounts an image read-only', async ({ mounts, files, directory, makeImage }) => {
      const image = `${directory}/image`;
      const { filesystem } = await makeImage(image, { hello: 'world' });
      await files.makeDirectory(`${directory}/root`);
      await mounts.mountImage({ image, target: `${directory}/root`, filesystem, readOnly: true });
      assert.equal(await files.readText(`${directory}/root/hello`), 'world');
      await refused(files.write(`${directory}/root/new`, ''), 'EROFS');
      const entry = (await mounts.list()).find(({ target }) => target === `${directory}/root`);
      assert.equal(entry?.type, filesystem);
      assert.match(entry?.source ?? '', /^\/dev\/loop\d+$/);
      await mounts.unmount(`${directory}/root`);
    });
    test('detaches a mount with others on it', async ({ mounts, files, directory }) => {
      await mounts.mount({ source: 'tmpfs', target: directory, type: 'tmpfs' });
      await files.makeDirectory(`${directory}/in`);
      await mounts.mount({ source: 'tmpfs', target: `${directory}/in`, type: 'tmpfs' });
      await refused(mounts.unmount(directory), 'EBUSY', directory);
      await mounts.unmount(directory, { detach: true });
      assert.equal(
        (await mounts.list()).some(({ target }) => target.startsWith(directory)),
        false,
      );
    });
    test('refuses what cannot be mounted', async ({ mounts, files, directory }) => {
      const target = `${directory}/none`;
      await refused(mounts.mount({ source: 'tmpfs', target, type: 'tmpfs' }), 'ENOENT', target);
      await refused(mounts.mount({ source: 'x', target: directory, type: 'no-such-type' }), 'ENODEV', directory);
      await refused(mounts.unmount(target), 'ENOENT', target);
      await files.write(`${directory}/image`, 'this is not an image, and long enough to be sure of it\n'.repeat(200));
      const request = { image: `${directory}/image`, target: directory, filesystem: 'squashfs', readOnly: true };
      await refused(mounts.mountImage(request), 'EINVAL', directory);
      const missing = await refused(mounts.mountImage({ ...request, image: `${directory}/gone` }), 'ENOENT');
      assert.ok(missing.message.includes(`${directory}/gone`), missing.message);
    });
  });
}
