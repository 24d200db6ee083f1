/**
 * `node apps/device-tools/build-endpoint.ts [x64|arm64|arm]`: makes the static executable of `pvr-endpoint`, which is also pantabox and the tools
 * by their names, and prints its path. It is apart from that of the device, which has no use for it.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  buildExecutable,
  bundleProgram,
  publish,
  publishLink,
  targetNamed,
  targets,
} from '@pantavisor/small-host/build';
import { pantaboxNames, toolNames } from './src/tool-names.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const name = targetNamed(process.argv[2]);
if (name === undefined) {
  console.error(`build-endpoint: there is no target ${process.argv[2]}; there are ${Object.keys(targets).join(', ')}`);
  process.exit(64);
}
const programs = [
  { file: 'endpoint.js', entry: 'apps/device-tools/src/main-endpoint.ts', names: [] },
  { file: 'tools.js', entry: 'apps/device-tools/src/main-small.ts', names: toolNames },
  { file: 'pantabox.js', entry: 'apps/device-tools/src/main-pantabox.ts', names: pantaboxNames },
];
const cache = `${checkout}build/small-host`;
mkdirSync(cache, { recursive: true });
const executable = buildExecutable({
  target: targets[name],
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
publish(executable, product);
publishLink('pvr-endpoint', `${cache}/${name}/pantabox`);
console.log(product);
