/**
 * `node apps/device/build-small.ts [x64|arm64|arm]`: makes the static executable of the runtime and its tools and prints its path. Silent
 * about the rest when there is nothing to do.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { endpoints } from '@pantavisor/ctrl-api';
import {
  buildExecutable,
  bundleProgram,
  publish,
  publishLink,
  targetNamed,
  targets,
} from '@pantavisor/small-host/build';
import { rules } from '@pantavisor/state';
import { toolNames } from '../device-tools/src/tool-names.ts';
import { configKeys } from './src/config/table.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const name = targetNamed(process.argv[2]);
if (name === undefined) {
  console.error(`build-small: there is no target ${process.argv[2]}; there are ${Object.keys(targets).join(', ')}`);
  process.exit(64);
}

/** What the executable is, by the name it is called by: the runtime unless it is that of a tool. */
const programs = [
  { file: 'pantavisor.js', entry: 'apps/device/src/main-small.ts', names: [] },
  { file: 'tools.js', entry: 'apps/device-tools/src/main-small.ts', names: toolNames },
];

/** What tables of the source say for the pages below docs/reference. */
const documentation = [
  ...configKeys.map(({ doc }) => doc),
  ...Object.values(endpoints).map(({ summary }) => summary),
  ...Object.values(rules).map(({ demands }) => demands),
];

const linked = programs.map(({ file, entry, names }) => ({
  file,
  names,
  ...bundleProgram({ root: checkout, entry, file, documentation }),
}));

const cache = `${checkout}build/small-host`;
mkdirSync(cache, { recursive: true });
const executable = buildExecutable({
  target: targets[name],
  root: `${checkout}packages/small-host`,
  cache,
  programs: linked,
  say: (line) => console.error(`build: ${line}`),
});
const product = `${cache}/${name}/pantavisor`;
publish(executable, product);
for (const tool of toolNames) publishLink('pantavisor', `${cache}/${name}/${tool}`);
// For trace.ts, which puts file names and lines into stack traces.
for (const { file, map } of linked) writeFileSync(`${cache}/${name}/${file}.map`, map);
console.log(product);
