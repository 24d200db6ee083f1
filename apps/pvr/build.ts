/** Bundles pvr into one file that starts without reading the sources: build/pvr/pvr.cjs, or the one that is named. */
import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');
const target = process.argv[2] ?? join(root, 'build', 'pvr', 'pvr.cjs');
const temporary = `${target}.${process.pid}`;
mkdirSync(dirname(target), { recursive: true });
await build({
  entryPoints: [join(import.meta.dirname, 'src', 'main.ts')],
  outfile: temporary,
  bundle: true,
  platform: 'node',
  target: 'node20',
  // With this format the modules of a command are read when it runs, not when pvr starts.
  format: 'cjs',
  // Less to read at each start. Classes keep their names, which errors show.
  minify: true,
  legalComments: 'none',
  logLevel: 'error',
});
// Another pvr may be reading the old one at this moment.
renameSync(temporary, target);
