/**
 * `node apps/device-tools/build-endpoint.ts [x64|arm64|arm]`: makes the static executable of `pvr-endpoint`, which is also the tools by their names,
 * and prints its path. It is apart from that of the device, which has no use for it.
 */
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildExecutable, bundleProgram, type TargetName, targets } from '@pantavisor/small-host/build';
import { toolNames } from './src/tool-names.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const name = process.argv[2] ?? (process.arch === 'arm64' ? 'arm64' : 'x64');
if (!(name in targets)) {
  console.error(`build-endpoint: there is no target ${name}; there are ${Object.keys(targets).join(', ')}`);
  process.exit(64);
}
const programs = [
  { file: 'endpoint.js', entry: 'apps/device-tools/src/main-endpoint.ts', names: [] },
  { file: 'tools.js', entry: 'apps/device-tools/src/main-small.ts', names: toolNames },
];
const cache = `${checkout}build/small-host`;
mkdirSync(cache, { recursive: true });
const executable = buildExecutable({
  target: targets[name as TargetName],
  root: `${checkout}packages/small-host`,
  cache,
  programs: programs.map(({ file, entry, names }) => ({
    file,
    names,
    ...bundleProgram({ root: checkout, entry, file }),
  })),
  say: (line) => console.error(`build: ${line}`),
});
const product = `${cache}/${name}/pvr-endpoint`;
copyFileSync(executable, `${product}.${process.pid}.tmp`);
renameSync(`${product}.${process.pid}.tmp`, product);
console.log(product);
