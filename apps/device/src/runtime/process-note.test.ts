import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryHost } from '../host/memory/host.ts';
import { HostError } from '../host/ports.ts';
import { findNoted, noteProcess } from './process-note.ts';

const note = '/run/somewhere/note';
const stat = (start: number) => `7 (a (name)) S ${'0 '.repeat(18)}${start} 0 0`;

test('a process that ends while it is looked at has ended', async () => {
  const { files } = createMemoryHost();
  let answer: () => string = () => stat(100);
  const looking = {
    ...files,
    readText: async (path: string, limit?: number) =>
      path === '/proc/7/stat' ? answer() : files.readText(path, limit),
  };
  await noteProcess(looking, note, 7);
  assert.equal(await findNoted(looking, note), 7);
  answer = () => stat(101);
  assert.equal(await findNoted(looking, note), undefined, 'another process has its number');
  for (const code of ['ENOENT', 'ESRCH']) {
    answer = () => {
      throw new HostError(code, 'read', '/proc/7/stat');
    };
    assert.equal(await findNoted(looking, note), undefined, code);
  }
});
