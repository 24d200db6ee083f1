/** The initramfs of another architecture, with the runtime built for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildInitramfs } from '@pantavisor/images/initramfs';
import { temporaryDirectory } from '../../harness/cleanup.ts';
import { debianCache, executableFor, largestInitramfs } from '../harness.ts';

test('that of arm64 is no larger than that of x86-64 may be', { timeout: 600_000 }, async (t) => {
  const executable = executableFor('arm64');
  const folder = temporaryDirectory(t);
  const { size } = await buildInitramfs({ architecture: 'arm64', packages: debianCache, folder, executable });
  assert.ok(size <= largestInitramfs, `${size} bytes`);
});
