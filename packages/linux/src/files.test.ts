import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { flock, makeFifo, rename, statfs, syncAll, syncDirectory, syncFileSystem } from './files.ts';

const timeout = 60_000;

function inFolder(body: (folder: string) => Promise<void>) {
  return async () => {
    const folder = mkdtempSync(`${tmpdir()}/linux-files-`);
    try {
      await body(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

describe('files', () => {
  it(
    'renames with noreplace and exchange',
    { timeout },
    inFolder(async (folder) => {
      const [a, b] = [`${folder}/a`, `${folder}/b`];
      writeFileSync(a, 'A');
      writeFileSync(b, 'B');
      await assert.rejects(rename(a, b, ['noreplace']), {
        code: 'EEXIST',
        syscall: 'renameat2',
        path: a,
        dest: b,
        errno: -17,
      });
      await rename(a, b, ['exchange']);
      assert.equal(readFileSync(a, 'utf8') + readFileSync(b, 'utf8'), 'BA');
      await rename(a, `${folder}/c`, ['noreplace']);
      await rename(`${folder}/c`, b);
      assert.equal(readFileSync(b, 'utf8'), 'B');
      await assert.rejects(rename(a, b, ['exchange', 'noreplace']), { code: 'EINVAL' });
    }),
  );
  it('tells about file systems', { timeout }, async () => {
    assert.equal((await statfs('/proc')).type, 'proc');
    const { blockSize, blocks, free, available, readOnly } = await statfs(tmpdir());
    assert.ok(blockSize > 0 && blocks >= free && free >= available);
    assert.equal(readOnly, false);
    await assert.rejects(statfs('/no/such'), {
      code: 'ENOENT',
      message: 'cannot statfs /no/such: No such file or directory (ENOENT)',
    });
  });
  it(
    'syncs directories, and nothing else',
    { timeout },
    inFolder(async (folder) => {
      await syncDirectory(folder);
      writeFileSync(`${folder}/f`, '');
      await assert.rejects(syncDirectory(`${folder}/f`), { code: 'ENOTDIR', path: `${folder}/f` });
      await syncAll();
      await syncFileSystem(folder);
    }),
  );
  it(
    'locks an open file',
    { timeout },
    inFolder(async (folder) => {
      writeFileSync(`${folder}/f`, '');
      const [first, second] = [openSync(`${folder}/f`, 'r'), openSync(`${folder}/f`, 'r')];
      try {
        await flock(first, ['exclusive', 'nonblocking']);
        await assert.rejects(flock(second, ['exclusive', 'nonblocking']), { code: 'EAGAIN' });
        const taken = flock(second, ['exclusive']);
        await flock(first, ['unlock']);
        await taken;
      } finally {
        closeSync(first);
        closeSync(second);
      }
    }),
  );
  it(
    'makes named pipes',
    { timeout },
    inFolder(async (folder) => {
      await makeFifo(`${folder}/p`, 0o600);
      assert.equal(statSync(`${folder}/p`).isFIFO(), true);
      await assert.rejects(makeFifo(`${folder}/p`), { code: 'EEXIST' });
    }),
  );
  it(
    'keeps whole long paths in errors',
    { timeout },
    inFolder(async (folder) => {
      const deep = `${folder}/${'d'.repeat(250)}`;
      mkdirSync(deep);
      const path = `${deep}/${'e'.repeat(250)}/${'f'.repeat(250)}`;
      await assert.rejects(statfs(path), { code: 'ENOENT', path });
    }),
  );
});
