/** `npm run bench`: runs all benchmarks of bench/, or those named, one after the other. Arguments from the first option on go to each. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename } from 'node:path';

const programs = new Map(
  globSync('bench/*.ts')
    .sort()
    .map((path) => [basename(path, '.ts'), path]),
);
const given = process.argv.slice(2);
const firstOption = given.findIndex((word) => word.startsWith('-'));
const wanted = firstOption < 0 ? given : given.slice(0, firstOption);
const options = firstOption < 0 ? [] : given.slice(firstOption);
const list = [...programs.keys()].join(', ');
if (options.includes('--help')) {
  console.log(`npm run bench [-- NAME… [OPTIONS]]: runs benchmarks one after the other; there are ${list}`);
  process.exit(0);
}
const unknown = wanted.filter((name) => !programs.has(name));
if (unknown.length > 0) {
  console.error(`bench: no such benchmark: ${unknown.join(', ')}; there are ${list}`);
  process.exit(64);
}
let failed = 0;
for (const [name, path] of programs) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n── ${name}`);
  const { status, signal } = spawnSync(process.execPath, [path, ...options], { stdio: 'inherit' });
  if (status === 0) continue;
  failed += 1;
  console.error(`bench: '${name}' failed (${signal ?? `exit code ${status}`})`);
}
process.exitCode = failed === 0 ? 0 : 1;
