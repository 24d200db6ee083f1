/** `npm run bench`: runs all benchmarks of bench/, or those named, one after the other. Arguments from the first option on go to each. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { purposeOf } from '../bench/measure/options.ts';

const programs = new Map(
  globSync('bench/*.ts')
    .sort()
    .map((path) => [basename(path, '.ts'), path]),
);
const given = process.argv.slice(2);
const firstOption = given.findIndex((word) => word.startsWith('-'));
const wanted = firstOption < 0 ? given : given.slice(0, firstOption);
const options = firstOption < 0 ? [] : given.slice(firstOption);
if (wanted.length === 0 && options.some((word) => word === '--help' || word === '-h')) {
  console.log(`npm run bench [-- NAME… [OPTIONS]]: runs benchmarks one after the other, all of them or those named

${[...programs].map(([name, path]) => `  ${name.padEnd(16)} ${firstWords(purposeOf(path))}`).join('\n')}

'npm run bench -- NAME --help' tells all that one measures, against what, and its options.`);
  process.exit(0);
}
const unknown = wanted.filter((name) => !programs.has(name));
if (unknown.length > 0) {
  const list = [...programs.keys()].join(', ');
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

/** What comes before the first comma or stop, so that it fits on a line. */
function firstWords(text: string): string {
  return /^.*?(?=[.,:;](\s|$))/.exec(text)?.[0] ?? text;
}
