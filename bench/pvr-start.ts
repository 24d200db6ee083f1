/** How long pvr takes to start, beside Node with nothing to do and git: median of the runs, taken in turn. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBenchOptions } from './measure/options.ts';
import { median, printTable, spread } from './measure/table.ts';

const { rounds } = readBenchOptions(import.meta.filename, { rounds: { fallback: 25, help: 'runs of each' } });
const home = mkdtempSync(join(tmpdir(), 'pvr-bench-'));
const pvr = join(import.meta.dirname, '../apps/pvr/bin/pvr');
const programs: [name: string, program: string, argv: string[]][] = [
  ['node with nothing to do', process.execPath, ['-e', '0']],
  ['git --version', 'git', ['--version']],
  ['pvr --version', pvr, ['--version']],
  ['pvr app add --help', pvr, ['app', 'add', '--help']],
  ['pvr __complete sta', pvr, ['__complete', 'sta']],
];

try {
  const times = new Map<string, number[]>(programs.map(([name]) => [name, []]));
  // The first round makes the bundle and keeps compiled code; it does not count.
  for (let round = 0; round <= rounds; round += 1)
    for (const [name, program, argv] of programs) {
      const begin = performance.now();
      const { status, stderr } = spawnSync(program, argv, {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: home },
      });
      if (status !== 0) throw new Error(`${name}: ${stderr}`);
      if (round > 0) times.get(name)!.push(performance.now() - begin);
    }
  const base = median(times.get(programs[0]![0])!);
  printTable(
    'start, milliseconds',
    ['', 'median (least..greatest)', 'ratio to node'],
    [...times].map(([name, values]) => [name, spread(values, 0), (median(values) / base).toFixed(2)]),
  );
} finally {
  rmSync(home, { recursive: true, force: true });
}
