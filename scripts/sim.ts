/** `npm run sim -- NAME [OPTIONS]`: runs one simulator of sim/. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename } from 'node:path';

const programs = new Map(
  globSync('sim/*.ts', { exclude: ['sim/*.test.ts'] })
    .sort()
    .map((path) => [basename(path, '.ts'), path]),
);
const [name, ...options] = process.argv.slice(2);
const list = [...programs.keys()].join(', ');
const program = name === undefined ? undefined : programs.get(name);
if (name === undefined || name === '--help') {
  console.log(`npm run sim -- NAME [OPTIONS]: runs a simulator; there are ${list}. NAME --help tells its options.`);
} else if (program === undefined) {
  console.error(`sim: no such simulator: ${name}; there are ${list}`);
  process.exitCode = 64;
} else {
  // A terminal tells the simulator as well, and that one tidies up first.
  process.on('SIGINT', () => {});
  const { status } = spawnSync(process.execPath, [program, ...options], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
