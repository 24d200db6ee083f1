/**
 * The repository of pvr against git on the same trees in the same run: 200 MB (200 files of 1 MiB, 300 JSON files) and 5,000
 * small files. Each command runs as a process of its own. `cold`: the page cache was dropped before (needs root).
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBenchOptions } from './measure/options.ts';
import { printTable } from './measure/table.ts';

readBenchOptions(import.meta.filename, {});
const pvr = join(import.meta.dirname, '../apps/pvr/bin/pvr');
const top = mkdtempSync(join(tmpdir(), 'pvr-bench-'));
const environment = { PATH: process.env.PATH, HOME: join(top, 'home'), GIT_CONFIG_NOSYSTEM: '1' };

function time(cwd: string, program: string, argv: readonly string[]): number {
  const begin = performance.now();
  // Git keeps its files elsewhere: pvr, which leaves nothing out, must not count them.
  const env = { ...environment, GIT_DIR: `${cwd}.git`, GIT_WORK_TREE: cwd };
  const { status, stderr } = spawnSync(program, argv, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${program} ${argv.join(' ')}: ${stderr}`);
  return (performance.now() - begin) / 1000;
}

function dropCaches(): boolean {
  return spawnSync('sh', ['-c', 'sync; echo 3 > /proc/sys/vm/drop_caches'], { stdio: 'ignore' }).status === 0;
}

function makeLarge(root: string): void {
  for (let index = 0; index < 200; index += 1)
    writeFileSync(join(root, `d${index % 10}`, `f${index}`), randomBytes(1024 * 1024));
  for (let index = 0; index < 300; index += 1)
    writeFileSync(
      join(root, `d${index % 10}`, `j${index}.json`),
      JSON.stringify({ index, text: 'x'.repeat(200) }, null, 2),
    );
}

function makeMany(root: string): void {
  for (let index = 0; index < 5000; index += 1)
    writeFileSync(join(root, `d${index % 10}`, `f${index}`), `content of file ${index}\n`);
}

function removeTree(root: string): void {
  for (const name of readdirSync(root)) if (/^d\d/.test(name)) rmSync(join(root, name), { recursive: true });
}

try {
  mkdirSync(environment.HOME);
  for (const [name, make] of [
    ['200 MB', makeLarge],
    ['5,000 files', makeMany],
  ] as const) {
    const rows: string[][] = [];
    const measured = new Map<string, [number, number]>();
    const root = join(top, name.replace(/\W/g, ''));
    for (let index = 0; index < 10; index += 1) mkdirSync(join(root, `d${index}`), { recursive: true });
    make(root);
    time(root, pvr, ['init']);
    time(root, 'git', ['init', '-q']);
    for (const [key, value] of [
      ['user.name', 'bench'],
      ['user.email', 'bench@example.org'],
    ])
      time(root, 'git', ['config', key!, value!]);
    writeFileSync(join(`${root}.git`, 'info/exclude'), '.pvr\n');
    // pvr has nothing to leave out files with; so only the directories are added.
    const compare = (
      what: string,
      ours: readonly string[],
      theirs: readonly string[],
      before: () => void = () => {},
    ): void => {
      before();
      const own = time(root, pvr, ours);
      before();
      const git = time(root, 'git', theirs);
      measured.set(what, [own, git]);
      rows.push([what, own.toFixed(3), git.toFixed(3), (own / git).toFixed(2)]);
    };
    const directories = Array.from({ length: 10 }, (_, index) => `d${index}`);
    const cold = dropCaches();
    compare('add', ['add', ...directories], ['add', ...directories], () => void (cold && dropCaches()));
    compare('commit', ['commit', '-m', 'x'], ['commit', '-qm', 'x']);
    const sum = (index: 0 | 1): number => measured.get('add')![index] + measured.get('commit')![index];
    rows.push(['add + commit', sum(0).toFixed(3), sum(1).toFixed(3), (sum(0) / sum(1)).toFixed(2)]);
    time(root, pvr, ['status']);
    compare('status, warm', ['status'], ['status', '--short', '-uno']);
    if (cold) compare('status, cold', ['status'], ['status', '--short', '-uno'], dropCaches);
    compare('checkout, warm', ['checkout'], ['checkout', '-q', '--', '.'], () => removeTree(root));
    if (cold)
      compare('checkout, cold', ['checkout'], ['checkout', '-q', '--', '.'], () => {
        removeTree(root);
        dropCaches();
      });
    compare('export', ['export', join(top, 'out.tgz')], ['archive', '-o', join(top, 'git.tgz'), 'HEAD']);
    printTable(`${name}, seconds`, ['', 'pvr', 'git', 'pvr/git'], rows);
  }
} finally {
  rmSync(top, { recursive: true, force: true });
}
