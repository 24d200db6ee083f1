/** Bundles pvr into one file, build/pvr/pvr.cjs, that starts without reading the sources. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');
const target = join(root, 'build', 'pvr', 'pvr.cjs');
const temporary = `${target}.${process.pid}`;
mkdirSync(join(root, 'build', 'pvr'), { recursive: true });
await build({
  entryPoints: [join(import.meta.dirname, 'src', 'main.ts')],
  outfile: temporary,
  bundle: true,
  platform: 'node',
  target: 'node20',
  // With this format the modules of a command are read when it runs, not when pvr starts.
  format: 'cjs',
  legalComments: 'none',
  logLevel: 'error',
});
// Another pvr may be reading the old one at this moment.
renameSync(temporary, target);
