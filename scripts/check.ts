/** Static checks: types, plain-ECMAScript rooms, lint and format, import arrows, unused code. Runs all, then reports. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { findForbiddenImports } from './import-arrows.ts';

const bin = (name: string) => `node_modules/.bin/${name}`;
/** The longest first, for two run at a time. */
const commands: [string, string[]][] = [
  ['unused code', [process.execPath, 'node_modules/knip/bin/knip.js', '--no-progress', '--no-config-hints']],
  ['types', [bin('tsc'), '-p', 'tsconfig.json']],
  ['plain ECMAScript rooms', [bin('tsc'), '-p', 'tsconfig.pure.json']],
  ['types of the console', [bin('tsc'), '-p', 'apps/console/tsconfig.json']],
  ['types of the tests and the build of the console', [bin('tsc'), '-p', 'apps/console/tsconfig.test.json']],
  ['lint and format', [bin('biome'), 'ci', '--colors=off', '.']],
];

let failed = 0;
const report = (name: string, ok: boolean, output: string) => {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (!ok) {
    failed += 1;
    console.log(output.trimEnd());
  }
};
/** Takes commands until there are none left. */
async function work(): Promise<void> {
  for (let next = commands.shift(); next !== undefined; next = commands.shift()) {
    const [name, [program = '', ...argv]] = next;
    const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [[status], output, errors] = await Promise.all([
      once(child, 'close'),
      text(child.stdout),
      text(child.stderr),
    ]);
    report(name, status === 0, `${output}${errors}`);
  }
}
await Promise.all([work(), work()]);
const forbidden = findForbiddenImports('.');
report('import arrows', forbidden.length === 0, forbidden.join('\n'));
process.exitCode = failed === 0 ? 0 : 1;
