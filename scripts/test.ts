/** Runs every check and every test of the project, in the order in which a failure is cheapest to learn of. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

interface Stage {
  name: string;
  argv: string[];
}

const node = process.execPath;
const suite = (name: string, patterns: string[], concurrency: number): Stage[] => {
  const files = globSync(patterns, { exclude: (path) => path.includes('node_modules') }).sort();
  if (files.length === 0) return [];
  return [{ name, argv: [node, '--test', `--test-concurrency=${concurrency}`, ...files] }];
};

const stages: Record<string, () => Stage[]> = {
  check: () => [{ name: 'check', argv: [node, 'scripts/check.ts'] }],
  unit: () =>
    suite(
      'unit',
      ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'scripts/**/*.test.ts', 'containers/**/*.test.ts'],
      2,
    ),
  sim: () => suite('sim', ['sim/**/*.test.ts'], 1),
  e2e: () => suite('e2e', ['tests/**/*.test.ts'], 1),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in stages));
if (unknown.length > 0) {
  console.error(`test: no such stage: ${unknown.join(', ')}; there are ${Object.keys(stages).join(', ')}`);
  process.exit(64);
}

for (const [name, make] of Object.entries(stages)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const stage of make()) {
    const begin = performance.now();
    console.log(`\n── ${stage.name}`);
    const { status, signal } = spawnSync(stage.argv[0]!, stage.argv.slice(1), { stdio: 'inherit' });
    console.log(`── ${stage.name}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    if (status !== 0) {
      console.error(`test: stage '${stage.name}' failed (${signal ?? `exit code ${status}`})`);
      process.exit(1);
    }
  }
}
