import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkout } from '../../apps/pvr/src/repository/checkout.ts';
import { commit } from '../../apps/pvr/src/repository/commit.ts';
import { Repository } from '../../apps/pvr/src/repository/repository.ts';
import { takeSnapshot } from '../../apps/pvr/src/repository/working-tree.ts';

const builder = join(import.meta.dirname, '../../apps/pvr/build.ts');
const preload = fileURLToPath(import.meta.resolve('./cut-writes.ts'));

/** Runs pvr, which dies at the given change of the disk. */
function run(bundle: string, directory: string, home: string, argv: readonly string[], cutAt: number) {
  return spawnSync(process.execPath, ['--import', preload, bundle, ...argv], {
    cwd: directory,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: home, CUT_AT: String(cutAt) },
  });
}

function prepare(context: TestContext): { top: string; start: string; bundle: string } {
  const top = mkdtempSync(join(tmpdir(), 'pvr-cuts-'));
  context.after(() => rmSync(top, { recursive: true, force: true }));
  const start = join(top, 'start');
  mkdirSync(join(start, 'tree', 'app'), { recursive: true });
  const tree = join(start, 'tree');
  const bundle = join(top, 'pvr.cjs');
  const built = spawnSync(process.execPath, [builder, bundle], { encoding: 'utf8' });
  assert.equal(built.status, 0, built.stderr);
  const ok = (argv: readonly string[]): void => {
    const { status, stderr } = run(bundle, tree, join(start, 'home'), argv, 100_000);
    assert.equal(status, 0, stderr);
  };
  ok(['init', '-o', '../pool']);
  writeFileSync(join(tree, 'app', 'a'), 'one');
  writeFileSync(join(tree, 'app', 'run.json'), '{"n":1}');
  ok(['add', 'app']);
  ok(['commit', '-m', 'old']);
  return { top, start, bundle };
}

/** Cuts a command at every change of the disk, and looks at what is left each time. */
async function cutEverywhere(
  context: TestContext,
  argv: readonly string[],
  change: (tree: string) => void,
  look: (tree: string, cutAt: number) => Promise<void>,
): Promise<void> {
  const { top, start, bundle } = prepare(context);
  let finished = false;
  for (let cutAt = 1; !finished; cutAt += 1) {
    assert.ok(cutAt < 200, 'the command never comes to its end');
    const place = join(top, 'place');
    rmSync(place, { recursive: true, force: true });
    cpSync(start, place, { recursive: true });
    // The pool of a repository is recorded with its absolute path.
    const config = join(place, 'tree', '.pvr', 'config');
    writeFileSync(config, readFileSync(config, 'utf8').replace(start, place));
    const [tree, home] = [join(place, 'tree'), join(place, 'home')];
    change(tree);
    const { status, signal, stderr } = run(bundle, tree, home, argv, cutAt);
    finished = signal === null;
    if (finished) assert.equal(status, 0, stderr);
    await look(tree, cutAt);
  }
}

test('a commit that is cut anywhere leaves the old state or the new one, with all objects', {
  timeout: 120_000,
}, async (context) => {
  const states = new Set<string>();
  await cutEverywhere(
    context,
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

test('an add that is cut anywhere leaves a repository that can go on', { timeout: 120_000 }, async (context) => {
  await cutEverywhere(
    context,
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
