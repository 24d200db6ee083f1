/**
 * `node apps/device/build.ts`: makes one file of the runtime's sources if one of them changed; silent when there is nothing to do. Node runs
 * the sources as they are, but reads two hundred files and keeps its TypeScript parser in memory for that: half of the time and memory of a
 * start. `bin/pantavisor` takes the one file unless a source is newer.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
/** As deep below the checkout as the sources are, since they look for the kernel addon relative to themselves. */
const target = `${checkout}build/bundle/device/pantavisor.mjs`;
const inputList = `${checkout}build/bundle/device/inputs.json`;

function isFresh(): boolean {
  if (!existsSync(target) || !existsSync(inputList)) return false;
  const made = statSync(target).mtimeMs;
  const inputs: string[] = JSON.parse(readFileSync(inputList, 'utf8'));
  return inputs.every((path) => existsSync(checkout + path) && statSync(checkout + path).mtimeMs < made);
}

if (!isFresh()) {
  console.error('build: bundling pantavisor');
  // Only now, since loading it takes longer than finding out that there is nothing to do.
  const { build } = await import('esbuild');
  // Taken before reading: a source that is edited meanwhile counts as newer.
  const begin = new Date();
  const { metafile, outputFiles } = await build({
    absWorkingDir: checkout,
    entryPoints: ['apps/device/src/main.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    keepNames: true,
    metafile: true,
    write: false,
    outfile: target,
  });
  mkdirSync(`${checkout}build/bundle/device`, { recursive: true });
  const temporary = `${target}.${process.pid}`;
  writeFileSync(temporary, outputFiles[0]?.contents ?? '');
  utimesSync(temporary, begin, begin);
  writeFileSync(inputList, JSON.stringify(Object.keys(metafile.inputs)));
  renameSync(temporary, target);
}
