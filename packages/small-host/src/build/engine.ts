/** The pinned engine, made ready: as C with readable names for the executable, and as WebAssembly for compiling programs in Node. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bytecodeEngine } from './bytecode-engine.ts';
import { type EngineMap, engineHeader, readEngineMap } from './engine-map.ts';

/** The engine that the C host was written for; another one needs a look at native/engine-imports.c first. */
const enginePackage = '@jitl/quickjs-ng-wasmfile-release-sync';
const knownEngines: Record<string, string> = {
  '0.32.0': 'quickjs-ng 0.12.1',
};
/** What the products depend on besides the package. */
const ownSources = ['engine.ts', 'engine-map.ts', 'bytecode-engine.ts', 'wasm.ts', 'compile.ts'];

export interface Engine {
  /** Holds `engine-module.c`, `engine-module.h`, `engine-map.h` and `compiler.wasm`. */
  folder: string;
  /** Changes with the package and with how it is made ready. */
  key: string;
  map: EngineMap;
}

/**
 * Makes the engine ready, unless that was done before.
 * @throws Error when the version is unknown, its glue or WebAssembly not understood, or Debian's wabt is missing
 */
export function prepareEngine(cache: string, say: (line: string) => void): Engine {
  const require = createRequire(import.meta.url);
  const entry = require.resolve(`${enginePackage}/package.json`);
  const { version } = JSON.parse(readFileSync(entry, 'utf8')) as { version: string };
  if (!(version in knownEngines))
    throw new Error(
      `cannot build with ${enginePackage} ${version}: only ${Object.keys(knownEngines).join(', ')} is known; check native/engine-imports.c against its glue first`,
    );
  const dist = join(dirname(entry), 'dist');
  const wasm = readFileSync(join(dist, 'emscripten-module.wasm'));
  const glue = readFileSync(join(dist, 'emscripten-module.mjs'), 'utf8');
  const map = readEngineMap(glue);
  const hash = createHash('sha256').update(wasm).update(glue);
  for (const name of ownSources) hash.update(readFileSync(join(import.meta.dirname, name)));
  const key = `${version}-${hash.digest('hex').slice(0, 16)}`;
  const folder = join(cache, `engine-${key}`);
  if (existsSync(folder)) return { folder, key, map };

  say(`translating the JavaScript engine (${knownEngines[version]}) to C`);
  const temporary = `${folder}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  try {
    const { compiler, runtime } = bytecodeEngine(wasm, map);
    writeFileSync(join(temporary, 'compiler.wasm'), compiler);
    writeFileSync(join(temporary, 'runtime.wasm'), runtime);
    const argv = [join(temporary, 'runtime.wasm'), '-n', 'engine', '-o', join(temporary, 'engine-module.c')];
    const { status, stderr, error } = spawnSync('wasm2c', argv, { encoding: 'utf8' });
    if (error)
      throw new Error(
        `cannot run wasm2c: ${error.message}; a Debian package of scripts/debian-packages.txt is missing`,
      );
    if (status !== 0) throw new Error(`wasm2c failed:\n${stderr.trimEnd()}`);
    writeFileSync(join(temporary, 'engine-map.h'), engineHeader(map, `${enginePackage} ${version}`));
    if (!existsSync(folder)) renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return { folder, key, map };
}
