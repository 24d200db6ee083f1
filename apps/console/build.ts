/**
 * `node apps/console/build.ts`: builds the console into `build/console` if something it is made of changed; silent when there is
 * nothing to do. What it is made of is told by a hash over the contents of its sources and the lock file, so a second run, and
 * one in a fresh copy with the same build, is instant.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const root = join(checkout, 'apps/console');
const target = join(checkout, 'build/console');
const stamp = 'made-of.txt';

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
};
/** Below this, headers cost more than compression saves. */
const worthCompressing = 512;

function hashOfSources(): string {
  const patterns = [
    'apps/console/{src,public}/**/*',
    'apps/console/{index.html,captcha.html,build.ts,package.json}',
    'packages/{hub-api,state}/{src,schemas}/**/*',
    'package-lock.json',
  ];
  const files = globSync(patterns, { cwd: checkout, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${file.slice(checkout.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}

/** Writes the compressed forms of every file, and the list from which the hub serves them. */
async function finish(folder: string): Promise<void> {
  const files: Record<string, { type: string; encodings: string[] }> = {};
  const names = globSync('**/*', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !name.endsWith('.html'))
    .sort();
  for (const name of names) {
    const type = types[extname(name)];
    if (type === undefined) throw new Error(`cannot build the console: no type is known for ${name}`);
    const content = readFileSync(join(folder, name));
    const encodings: string[] = [];
    if (content.length >= worthCompressing) {
      const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
      writeFileSync(join(folder, `${name}.br`), await promisify(brotliCompress)(content, { params }));
      writeFileSync(join(folder, `${name}.gz`), await promisify(gzip)(content, { level: 9 }));
      encodings.push('br', 'gzip');
    }
    files[name] = { type, encodings };
  }
  writeFileSync(join(folder, 'files.json'), `${JSON.stringify(files, undefined, 1)}\n`);
}

async function bundle(folder: string): Promise<void> {
  // Only now, since loading it takes longer than finding out that there is nothing to do.
  const { build } = await import('vite');
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    base: '/console/',
    envDir: false,
    html: { cspNonce: '%NONCE%' },
    resolve: {
      alias: {
        // The console uses the types of the contract; the schemas behind them would be half of its bytes.
        typebox: join(root, 'src/hub/no-schemas.ts'),
      },
    },
    build: {
      outDir: folder,
      emptyOutDir: true,
      assetsDir: 'assets',
      // The page may not load data: addresses.
      assetsInlineLimit: 0,
      target: ['chrome123', 'firefox125', 'safari17.5'],
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 800,
      reportCompressedSize: false,
      rolldownOptions: {
        input: ['index.html', 'captcha.html'].map((name) => join(root, name)),
        // "use client" concerns servers that render; this is no finding about the console.
        onLog: (level, log, handler) => {
          if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handler(level, log);
        },
      },
    },
  });
}

const wanted = hashOfSources();
const made = existsSync(join(target, stamp)) ? readFileSync(join(target, stamp), 'utf8') : '';
if (made !== wanted || process.argv.includes('--force')) {
  console.error('build: bundling the console');
  const temporary = `${target}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  try {
    await bundle(temporary);
    await finish(temporary);
    writeFileSync(join(temporary, stamp), wanted);
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
