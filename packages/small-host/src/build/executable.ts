/**
 * Makes the static executable: translates the engine to C once, compiles what changed, links it with JavaScript programs.
 * Every product is named by the hash of what it is made from, so a second run only looks and a half-written file is never used.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { Compiler } from './compile.ts';
import { type Engine, prepareEngine } from './engine.ts';
import { librariesOf } from './foreign-libraries.ts';
import { type LinkedProgram, programSource } from './programs.ts';
import { commonFlags, engineFlags, isolatedHeaders, type Target, warningFlags } from './toolchain.ts';

export interface ExecutableRequest {
  target: Target;
  /** Folder of this package. */
  root: string;
  /** Where products are kept. */
  cache: string;
  /** The JavaScript programs; exactly one has no names of its own. */
  programs: readonly LinkedProgram[];
  /** Says what is being done, when something is. */
  say: (line: string) => void;
}

/**
 * Builds and returns the path of the executable.
 * @throws Error that names the missing tool, the unknown engine version, or carries the compiler's words
 */
export function buildExecutable(request: ExecutableRequest): string {
  const { target, root, cache, say } = request;
  const folder = join(cache, target.name);
  mkdirSync(folder, { recursive: true });
  const engine = prepareEngine(cache, say);
  const libraries = librariesOf(target, folder, say);
  const ownHeaders = run(target.compiler, ['-print-file-name=include']).trim();
  const headers = ['-nostdinc', '-isystem', libraries.muslHeaders, '-isystem', ownHeaders, ...prepareHeaders(folder)];
  const include = ['-I', engine.folder, '-I', join(root, 'native'), ...headers];
  const prefixMap = [`-ffile-prefix-map=${root}=.`, `-ffile-prefix-map=${cache}=.`];
  const native = join(root, 'native');
  const nativeSources = readdirSync(native).sort();
  const headerHash = hashOf(
    nativeSources.filter((name) => name.endsWith('.h')).map((name) => readFileSync(join(native, name))),
  );

  const compile = (source: string, extra: string[], salt: string): string => {
    const flags = [...commonFlags, ...target.flags, ...extra];
    const name = basename(source).replace(/\.c$/, '');
    const object = join(
      folder,
      `${name}-${hashOf([readFileSync(source), flags.join(' '), salt, engine.key, target.compiler])}.o`,
    );
    if (existsSync(object)) return object;
    say(`compiling ${name} for ${target.name}${name === 'engine-module' ? ' (half a minute)' : ''}`);
    const temporary = `${object}.${process.pid}`;
    run(target.compiler, [...flags, ...prefixMap, ...include, '-c', source, '-o', temporary]);
    renameSync(temporary, object);
    return object;
  };

  const objects = [compile(join(engine.folder, 'engine-module.c'), engineFlags, '')];
  for (const name of nativeSources) {
    if (!name.endsWith('.c')) continue;
    objects.push(compile(join(native, name), name === 'fortify.c' ? ['-w'] : warningFlags, headerHash));
  }
  objects.push(programObject(request.programs, engine, folder, compile));

  const { folder: others, musl } = libraries;
  const script = join(native, 'static.ld');
  const linked = [
    ...['-static', '-nostdlib', '-Wl,--gc-sections', '-Wl,--build-id=none', '-Wl,-z,noseparate-code', '-s'],
    // Nobody would make those pages read-only in a static program of musl; on arm64 the padding between is 40 KB.
    '-Wl,-z,norelro',
    `-Wl,-T,${script}`,
    ...['crt1.o', 'crti.o'].map((name) => join(musl, name)),
    ...objects,
    ...['libmbedtls.a', 'libmbedx509.a', 'libmbedcrypto.a', 'libz.a'].map((name) => join(others, name)),
    ...['-Wl,--start-group', join(musl, 'libc.a'), '-lgcc', '-Wl,--end-group'],
    join(musl, 'crtn.o'),
  ];
  const executable = join(folder, `pantavisor-${hashOf([...linked, readFileSync(script)])}`);
  if (!existsSync(executable)) {
    say(`linking the executable for ${target.name}`);
    const temporary = `${executable}.${process.pid}`;
    run(target.compiler, [...linked, '-o', temporary]);
    renameSync(temporary, executable);
    forgetOld(cache, folder, engine.folder, objects);
  }
  return executable;
}

/** The programs as an object file. Its name hangs on their text, so that only a new one is compiled. */
function programObject(
  programs: readonly LinkedProgram[],
  engine: Engine,
  folder: string,
  compile: (source: string, extra: string[], salt: string) => string,
): string {
  const format = readFileSync(join(import.meta.dirname, 'programs.ts'));
  const name = `program-${hashOf([JSON.stringify(programs), engine.key, format])}`;
  const object = join(folder, `${name}.o`);
  if (existsSync(object)) return object;
  const compiler = new Compiler(readFileSync(join(engine.folder, 'compiler.wasm')), engine.map);
  const work = join(folder, `${name}.${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const source = join(work, `${name}.c`);
    const text = programSource(programs, (program, index) => {
      const code = join(work, `${index}.bytecode`);
      writeFileSync(code, compiler.compile(program.text, program.file));
      return code;
    });
    writeFileSync(source, text);
    renameSync(compile(source, [], ''), object);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return object;
}

/** The few foreign headers in a folder of their own, so that no others are found beside them. */
function prepareHeaders(folder: string): string[] {
  const include = join(folder, 'include');
  mkdirSync(include, { recursive: true });
  for (const path of isolatedHeaders) {
    if (!existsSync(path))
      throw new Error(`cannot find ${path}; a Debian package of scripts/debian-packages.txt is missing`);
    const copy = join(include, basename(path));
    if (!existsSync(copy)) cpSync(path, copy, { recursive: true });
  }
  return ['-I', include];
}

/** Executables and programs of earlier builds; the last ones may be in use by tests that run now. */
const keptExecutables = 16;
/** Milliseconds after which an unfinished file belongs to nobody any more. */
const abandonedAfter = 3_600_000;

/** Removes what no build needs any more: parts of the host and engines of another time, all but the last programs, unfinished files. */
function forgetOld(cache: string, folder: string, engine: string, objects: readonly string[]): void {
  const needed = new Set(objects.map((path) => basename(path)));
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => ({
      name,
      path: join(folder, name),
      time: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .sort((left, right) => right.time - left.time);
  const programs = files.filter(({ name }) =>
    /^(?:pantavisor|program)-[0-9a-f]{16}(?:-[0-9a-f]{16})?(?:\.o)?$/.test(name),
  );
  const parts = files.filter(({ name }) => name.endsWith('.o') && !name.startsWith('program-') && !needed.has(name));
  const abandoned = files.filter(
    ({ name, time }) => /-[0-9a-f]{16}(?:\.o)?\.\d+$/.test(name) && Date.now() - time > abandonedAfter,
  );
  for (const { path } of [...programs.slice(2 * keptExecutables), ...parts, ...abandoned])
    rmSync(path, { force: true });
  for (const name of readdirSync(cache))
    if (name.startsWith('engine-') && join(cache, name) !== engine)
      rmSync(join(cache, name), { recursive: true, force: true });
}

function hashOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 16);
}

/** What the program printed. */
function run(program: string, argv: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, argv, { encoding: 'utf8' });
  if (error)
    throw new Error(
      `cannot run ${program}: ${error.message}; a Debian package of scripts/debian-packages.txt is missing`,
    );
  if (status !== 0) throw new Error(`${program} failed:\n${stderr.trimEnd()}`);
  return stdout;
}
