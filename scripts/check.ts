/** Static checks: types, plain-ECMAScript rooms, lint and format, import arrows, unused code. Runs all, then reports. */
import { spawnSync } from 'node:child_process';
import { findForbiddenImports } from './import-arrows.ts';

const bin = (name: string) => `node_modules/.bin/${name}`;
const commands: [string, string[]][] = [
  ['types', [bin('tsc'), '-p', 'tsconfig.json']],
  ['plain ECMAScript rooms', [bin('tsc'), '-p', 'tsconfig.pure.json']],
  ['types of the console', [bin('tsc'), '-p', 'apps/console/tsconfig.json']],
  ['types of the tests and the build of the console', [bin('tsc'), '-p', 'apps/console/tsconfig.test.json']],
  ['lint and format', [bin('biome'), 'ci', '--colors=off', '.']],
  ['unused code', [process.execPath, 'node_modules/knip/bin/knip.js', '--no-progress', '--no-config-hints']],
];

let failed = 0;
const report = (name: string, ok: boolean, output: string) => {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (!ok) {
    failed += 1;
    console.log(output.trimEnd());
  }
};
for (const [name, argv] of commands) {
  const { status, stdout, stderr } = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8' });
  report(name, status === 0, `${stdout}${stderr}`);
}
const forbidden = findForbiddenImports('.');
report('import arrows', forbidden.length === 0, forbidden.join('\n'));
process.exitCode = failed === 0 ? 0 : 1;
