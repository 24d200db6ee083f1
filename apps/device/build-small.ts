/**
 * `node apps/device/build-small.ts [x64|arm64|arm]`: makes the static executable of the runtime and prints its path. Silent about the rest
 * when there is nothing to do.
 */
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildExecutable, type TargetName, targets } from '@pantavisor/small-host/build';
import { build } from 'esbuild';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const name = process.argv[2] ?? (process.arch === 'arm64' ? 'arm64' : 'x64');
if (!(name in targets)) {
  console.error(`build-small: there is no target ${name}; there are ${Object.keys(targets).join(', ')}`);
  process.exit(64);
}

const { outputFiles } = await build({
  absWorkingDir: checkout,
  entryPoints: ['apps/device/src/main-small.ts'],
  bundle: true,
  minify: true,
  platform: 'neutral',
  format: 'iife',
  target: 'es2024',
  sourcemap: 'external',
  outfile: 'pantavisor.js',
  write: false,
});
const [map, program] = ['.map', '.js'].map((end) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '');
const cache = `${checkout}build/small-host`;
mkdirSync(cache, { recursive: true });
const executable = buildExecutable({
  target: targets[name as TargetName],
  root: `${checkout}packages/small-host`,
  cache,
  program: program ?? '',
  say: (line) => console.error(`build: ${line}`),
});
const product = `${cache}/${name}/pantavisor`;
copyFileSync(executable, `${product}.tmp`);
renameSync(`${product}.tmp`, product);
// For trace.ts, which puts file names and lines into stack traces.
writeFileSync(`${product}.js.map`, map ?? '');
console.log(product);
