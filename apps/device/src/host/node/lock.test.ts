import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createFiles } from './files.ts';

it('lock: another process is named, and its death frees the lock', { timeout: 30_000 }, async () => {
  const directory = await mkdtemp(`${tmpdir()}/node-host-lock-`);
  const path = `${directory}/lock`;
  const module = fileURLToPath(new URL('./lock.ts', import.meta.url));
  const source = `import { lockFile } from '${module}'; await lockFile('${path}'); console.log('held'); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    await assert.rejects(createFiles().lock(path), {
      code: 'EWOULDBLOCK',
      message: `cannot lock ${path}: process ${child.pid} holds it`,
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await createFiles().lock(path)).release();
  } finally {
    child.kill('SIGKILL');
    await rm(directory, { recursive: true });
  }
});
