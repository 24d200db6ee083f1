/** What every implementation of `gzip` of the port `Streams` promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Files } from '../ports.ts';
import type { Streams } from '../streams.ts';
import { type Fixture, on, refused, timeLimit } from './expectations.ts';

export interface GzipFixture extends Fixture {
  streams: Pick<Streams, 'gzip'>;
  files: Files;
  /** An empty directory. */
  directory: string;
  /** Content of a compressed file, as gzip(1) reads it. */
  unpack(path: string): Promise<string>;
}

/**
 * Registers the tests of `gzip`.
 * @param name of the implementation
 * @param create a fresh fixture for each test
 */
export function testGzip(name: string, create: () => Promise<GzipFixture>): void {
  const test = (title: string, body: (fixture: GzipFixture) => Promise<void>) =>
    it(title, { timeout: timeLimit }, on(create, body));
  const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index * 7919}\n`).join('');
  describe(`gzip: ${name}`, () => {
    test('replaces files of any length, several at once, and keeps their modes', async (fixture) => {
      const { streams, files, directory, unpack } = fixture;
      const contents = ['', 'x', lines(400), lines(3000)];
      const paths = contents.map((_, index) => `${directory}/log.${index}`);
      for (const [index, path] of paths.entries()) await files.write(path, contents[index]!, { mode: 0o640 });
      await Promise.all(paths.map((path) => streams.gzip(path)));
      for (const [index, path] of paths.entries()) {
        assert.equal(await unpack(`${path}.gz`), contents[index]);
        assert.equal((await files.status(`${path}.gz`))?.mode, 0o640);
      }
      const names = (await files.list(directory)).map((entry) => entry.name);
      assert.deepEqual(
        names,
        paths.map((path) => `${path.slice(directory.length + 1)}.gz`),
      );
    });
    test('takes the place of an older archive', async ({ streams, files, directory, unpack }) => {
      for (const text of ['old', 'new']) {
        await files.write(`${directory}/log`, text);
        await streams.gzip(`${directory}/log`);
      }
      assert.equal(await unpack(`${directory}/log.gz`), 'new');
    });
    test('leaves nothing where there is nothing to compress', async ({ streams, files, directory }) => {
      await refused(streams.gzip(`${directory}/log`), 'ENOENT', `${directory}/log`);
      assert.deepEqual(await files.list(directory), []);
    });
  });
}
