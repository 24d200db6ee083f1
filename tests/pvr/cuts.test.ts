import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkout } from '../../apps/pvr/src/repository/checkout.ts';
import { commit } from '../../apps/pvr/src/repository/commit.ts';
import { Repository } from '../../apps/pvr/src/repository/repository.ts';
import { takeSnapshot } from '../../apps/pvr/src/repository/working-tree.ts';
import { bundlePvr } from './bundle.ts';

const preload = fileURLToPath(import.meta.resolve('./cut-writes.ts'));

const top = mkdtempSync(join(tmpdir(), 'pvr-cuts-'));
/** A repository with a commit, its pool and a home, which each case gets a copy of. */
const start = join(top, 'start');
/** Compiled code is kept, as bin/pvr does. */
const environment = { PATH: process.env.PATH, NODE_COMPILE_CACHE: join(top, 'compile-cache') };
let bundle = '';

/** Runs pvr, which dies at the given change of the disk. */
function run(directory: string, home: string, argv: readonly string[], cutAt: number) {
  return spawnSync(process.execPath, ['--import', preload, bundle, ...argv], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...environment, HOME: home, CUT_AT: String(cutAt) },
  });
}

before(() => {
  const tree = join(start, 'tree');
  mkdirSync(join(tree, 'app'), { recursive: true });
  bundle = bundlePvr(top);
  const ok = (argv: readonly string[]): void => {
    const { status, stderr } = run(tree, join(start, 'home'), argv, 100_000);
    assert.equal(status, 0, stderr);
  };
  ok(['init', '-o', '../pool']);
  writeFileSync(join(tree, 'app', 'a'), 'one');
  writeFileSync(join(tree, 'app', 'run.json'), '{"n":1}');
  ok(['add', 'app']);
  ok(['commit', '-m', 'old']);
});
after(() => rmSync(top, { recursive: true, force: true }));

/** A fresh copy of the start. */
function copyStart(): { tree: string; home: string } {
  const place = join(top, 'place');
  rmSync(place, { recursive: true, force: true });
  cpSync(start, place, { recursive: true });
  // The pool of a repository is recorded with its absolute path.
  const config = join(place, 'tree', '.pvr', 'config');
  writeFileSync(config, readFileSync(config, 'utf8').replace(start, place));
  return { tree: join(place, 'tree'), home: join(place, 'home') };
}

/** Cuts a command at every change of the disk, or at every `step`th, and looks at what is left each time. */
async function cutEverywhere(
  argv: readonly string[],
  change: (tree: string) => void,
  look: (tree: string, cutAt: number) => Promise<void>,
  step = 1,
): Promise<void> {
  let finished = false;
  for (let cutAt = 1; !finished; cutAt += step) {
    assert.ok(cutAt < 200, 'the command never comes to its end');
    const { tree, home } = copyStart();
    change(tree);
    const { status, signal, stderr } = run(tree, home, argv, cutAt);
    finished = signal === null;
    if (finished) assert.equal(status, 0, stderr);
    await look(tree, cutAt);
  }
}

test('a commit that is cut anywhere leaves the old state or the new one, with all objects', {
  timeout: 300_000,
}, async () => {
  const states = new Set<string>();
  await cutEverywhere(
    ['commit', '-m', 'new'],
    (tree) => {
      writeFileSync(join(tree, 'app', 'a'), 'two');
      writeFileSync(join(tree, 'app', 'run.json'), '{"n":2}');
    },
    async (tree, cutAt) => {
      const repository = Repository.open(tree);
      states.add(repository.readStateText());
      const { changed, ...others } = (await takeSnapshot(repository)).changes;
      assert.deepEqual(others, { added: [], removed: [], untracked: [] }, `cut ${cutAt}`);
      assert.ok(changed.length === 0 || changed.length === 2, `cut ${cutAt}: ${changed}`);
      rmSync(join(tree, 'app'), { recursive: true });
      await checkout(repository);
      const { n } = JSON.parse(readFileSync(join(tree, 'app', 'run.json'), 'utf8'));
      assert.equal(readFileSync(join(tree, 'app', 'a'), 'utf8'), n === 1 ? 'one' : 'two', `cut ${cutAt}`);
    },
  );
  assert.equal(states.size, 2);
});

test('an add that is cut anywhere leaves a repository that can go on', { timeout: 300_000 }, async () => {
  await cutEverywhere(
    ['add', 'app'],
    (tree) => writeFileSync(join(tree, 'app', 'b'), 'fresh'),
    async (tree, cutAt) => {
      const repository = Repository.open(tree);
      await commit(repository, 'after the cut');
      const { added, changed, removed } = (await takeSnapshot(repository)).changes;
      assert.deepEqual([...added, ...changed, ...removed], [], `cut ${cutAt}`);
    },
  );
});

test('a checkout that is cut anywhere leaves whole files, old or new, and the next one completes it', {
  timeout: 300_000,
}, async () => {
  await cutEverywhere(
    ['checkout'],
    (tree) => {
      writeFileSync(join(tree, 'app', 'a'), 'spoilt');
      rmSync(join(tree, 'app', 'run.json'));
    },
    async (tree, cutAt) => {
      const a = readFileSync(join(tree, 'app', 'a'), 'utf8');
      assert.ok(a === 'spoilt' || a === 'one', `cut ${cutAt}: ${a}`);
      const run = join(tree, 'app', 'run.json');
      if (existsSync(run)) assert.deepEqual(JSON.parse(readFileSync(run, 'utf8')), { n: 1 }, `cut ${cutAt}`);
      const repository = Repository.open(tree);
      await checkout(repository);
      const { added, changed, removed } = (await takeSnapshot(repository)).changes;
      assert.deepEqual([...added, ...changed, ...removed], [], `cut ${cutAt}`);
    },
  );
});

test('a clone that is cut anywhere is not there or whole', { timeout: 300_000 }, async () => {
  await cutEverywhere(
    ['clone', '-o', '../copies', '.', '../clone'],
    () => {},
    async (tree, cutAt) => {
      const clone = join(tree, '../clone');
      if (!existsSync(clone)) return;
      const repository = Repository.open(clone);
      assert.equal(repository.readStateText(), Repository.open(tree).readStateText(), `cut ${cutAt}`);
      const { added, changed, removed } = (await takeSnapshot(repository)).changes;
      assert.deepEqual([...added, ...changed, ...removed], [], `cut ${cutAt}`);
    },
    3,
  );
});

test('killed at any moment, a commit of many files leaves the old state or the new one', {
  timeout: 300_000,
}, async () => {
  const { tree, home } = copyStart();
  const old = Repository.open(tree).readStateText();
  for (let index = 0; index < 400; index += 1) writeFileSync(join(tree, 'app', `f${index}`), `content ${index}`);
  const env = { ...environment, HOME: home };
  const begin = performance.now();
  assert.equal(spawnSync(process.execPath, [bundle, 'add', '.'], { cwd: tree, env }).status, 0);
  const whole = performance.now() - begin;
  let last = '';
  for (let round = 1; last !== 'whole'; round += 1) {
    // Later and later, until it gets to its end.
    const child = spawn(process.execPath, [bundle, 'commit'], { cwd: tree, env, stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), (whole * round) / 8);
    const [code] = await once(child, 'exit');
    clearTimeout(timer);
    const repository = Repository.open(tree);
    const text = repository.readStateText();
    last = code === 0 ? 'whole' : text === old ? 'old' : 'new';
    assert.ok(round < 200, 'it never comes to its end');
    if (last === 'old') continue;
    rmSync(join(top, 'out'), { recursive: true, force: true });
    // All objects of the new state are there, whole.
    const copied = spawnSync(process.execPath, [bundle, 'clone', tree, join(top, 'out')], {
      cwd: top,
      env,
      encoding: 'utf8',
    });
    assert.equal(copied.status, 0, copied.stderr);
    assert.equal(readdirSync(join(top, 'out/app')).length, 402);
    last = 'whole';
  }
});
