/** The bundled pvr, for tests that need a process of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const builder = join(import.meta.dirname, '../../apps/pvr/build.ts');

/** Bundles pvr into a directory. @returns path of the bundle, which runs on the Node of the tests */
export function bundlePvr(directory: string): string {
  const bundle = join(directory, 'pvr.cjs');
  const { status, stderr } = spawnSync(process.execPath, [builder, bundle], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return bundle;
}
