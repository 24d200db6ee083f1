/** Builds the C parts with a plain compiler. A stamp of the sources' content makes a second build a matter of milliseconds. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFolder } from './build-folder.ts';

/** Architectures by Node's names (`process.arch`). */
export type Architecture = 'x64' | 'arm64';

const compilers: Record<Architecture, { name: string; package: string }> = {
  x64: { name: 'x86_64-linux-gnu-gcc', package: 'gcc-x86-64-linux-gnu libc6-dev-amd64-cross' },
  arm64: { name: 'aarch64-linux-gnu-gcc', package: 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross' },
};

const sources = fileURLToPath(new URL('../native/', import.meta.url));
const common = ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-Werror', '-D_FORTIFY_SOURCE=2', '-fstack-protector-strong'];

/** No C library, and no calls that the compiler makes up as if there were one. */
const freestanding = [
  '-nostdlib',
  '-ffreestanding',
  '-fno-stack-protector',
  '-fno-tree-loop-distribute-patterns',
  '-fno-asynchronous-unwind-tables',
  '-Wl,--build-id=none',
];

interface Product {
  name: string;
  inputs: string[];
  flags: string[];
}

function products(): Product[] {
  const headers = join(dirname(createRequire(import.meta.url).resolve('node-api-headers')), 'include');
  const files = (pattern: string) => globSync(pattern, { cwd: sources }).sort();
  return [
    {
      name: 'linux.node',
      inputs: files('*.c'),
      flags: ['-fPIC', '-shared', '-fvisibility=hidden', '-pthread', '-Wl,-z,relro,-z,now', '-I', headers],
    },
    { name: 'nsexec', inputs: files('nsexec/*.c'), flags: ['-static', '-s'] },
    {
      name: 'container-init',
      inputs: files('container-init/*.c'),
      flags: ['-static', '-no-pie', '-s', ...freestanding],
    },
  ];
}

function stampOf(list: Product[], compiler: string): string {
  const hash = createHash('sha256').update(`${compiler}\n`);
  for (const { name, inputs, flags } of list) {
    hash.update(`${name} ${[...common, ...flags].join(' ')}\n`);
    for (const input of [...inputs, 'addon.h']) hash.update(readFileSync(join(sources, input)));
  }
  return hash.digest('hex');
}

/**
 * Builds the addon and the programs beside it for an architecture when their sources have changed.
 *
 * Each file appears under its name only when it is complete, so that builds at the same time do no harm.
 * @param architecture of the machine that will run them; another one than this machine's takes Debian's cross compiler
 * @param say gets one line when something is built
 * @returns true when it built, false when all was up to date
 * @throws Error with code `COMPILER` when there is none (names the Debian package) or it refuses (holds its messages)
 */
export function buildNative(
  architecture: Architecture,
  say: (line: string) => void,
  folder = buildFolder(architecture),
) {
  const own = architecture === process.arch;
  const compiler = own ? 'cc' : compilers[architecture].name;
  const list = products();
  const stamp = stampOf(list, compiler);
  const stampFile = join(folder, 'stamp');
  const complete = list.every(({ name }) => existsSync(join(folder, name)));
  if (complete && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return false;
  say(`building ${list.map(({ name }) => name).join(' and ')} for ${architecture} with ${compiler}`);
  mkdirSync(folder, { recursive: true });
  for (const { name, inputs, flags } of list) {
    const draft = join(folder, `${name}.${process.pid}`);
    const argv = [...common, ...flags, '-o', draft, ...inputs];
    const { status, error, stderr } = spawnSync(compiler, argv, { cwd: sources, encoding: 'utf8' });
    if (status !== 0) {
      rmSync(draft, { force: true });
      const reason = error
        ? `${compiler} does not run (${error.message}); install ${own ? 'gcc libc6-dev' : compilers[architecture].package}`
        : `${compiler} refused:\n${stderr.trimEnd()}`;
      throw Object.assign(new Error(`cannot build ${name} for ${architecture}: ${reason}`), { code: 'COMPILER' });
    }
    renameSync(draft, join(folder, name));
  }
  writeFileSync(`${stampFile}.${process.pid}`, stamp);
  renameSync(`${stampFile}.${process.pid}`, stampFile);
  return true;
}
