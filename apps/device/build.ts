/**
 * `node apps/device/build.ts`: makes one file of the runtime's sources if one of them changed; silent when there is nothing to do. Node runs
 * the sources as they are, but reads two hundred files and keeps its TypeScript parser in memory for that: half of the time and memory of a
 * start. `bin/pantavisor` takes the one file unless a source is newer.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
/** As deep below the checkout as the sources are, since they look for the kernel addon relative to themselves. */
const target = `${checkout}build/bundle/device/pantavisor.mjs`;
const inputList = `${checkout}build/bundle/device/inputs.json`;

/** What a start does without: loading these takes a tenth of its time. The others are needed at once. */
const seldomUsed = ['node:child_process', 'node:https', 'node:tls', 'node:zlib'];

/**
 * An `import` of a built-in module reads every export of it, also those that Node loads only when they are touched: of `node:http` that is a
 * whole HTTP client, 15 MB of memory and a third of the time of a start. A property that is read when it is used costs nothing before. What
 * stands for a seldom used module has no property of its own that could be read, and loads the module when it is asked for one.
 */
const builtinsOnUse: Plugin = {
  name: 'builtins-on-use',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }));
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const module = `process.getBuiltinModule(${JSON.stringify(path)})`;
      const onUse = `let it; module.exports = Object.create(new Proxy({}, { get: (_, name) => (it ??= ${module})[name] }))`;
      return { contents: seldomUsed.includes(path) ? onUse : `module.exports = ${module}` };
    });
  },
};

function isFresh(): boolean {
  if (!existsSync(target) || !existsSync(inputList)) return false;
  const made = statSync(target).mtimeMs;
  const inputs: string[] = JSON.parse(readFileSync(inputList, 'utf8'));
  return inputs.every((path) => existsSync(checkout + path) && statSync(checkout + path).mtimeMs < made);
}

async function bundle(): Promise<void> {
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
    plugins: [builtinsOnUse],
    metafile: true,
    write: false,
    outfile: target,
  });
  mkdirSync(`${checkout}build/bundle/device`, { recursive: true });
  const temporary = `${target}.${process.pid}`;
  writeFileSync(temporary, outputFiles[0]?.contents ?? '');
  utimesSync(temporary, begin, begin);
  const sources = Object.keys(metafile.inputs).filter((path) => !path.startsWith('builtin:'));
  writeFileSync(inputList, JSON.stringify([...sources, 'apps/device/build.ts']));
  renameSync(temporary, target);
}

/** The launcher only compares times: a file that is no input, as those of tests, must not keep it from a bundle that is as its inputs are. */
function renew(now: Date): void {
  try {
    utimesSync(target, now, now);
  } catch {
    // Somebody else's checkout: the sources run.
  }
}

const now = new Date();
if (isFresh()) renew(now);
else {
  try {
    await bundle();
  } catch {
    // esbuild has said what is wrong, and where.
    process.exitCode = 1;
  }
}
