/**
 * `npm run start:qemu [-- OPTIONS of pv-image run]`: builds the demonstration's containers and an image with them, and starts it in QEMU.
 * What the device has become is kept for the next time; `--fresh` begins anew, `--arch aarch64` takes a machine with U-Boot, `--arch armv7` such a one of 32 bits.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { architectureNames } from '@pantavisor/images/images';
import { buildDemoRepository } from './start/demo-repository.ts';
import { type QemuArguments, readQemuArguments } from './start/qemu-arguments.ts';

const checkout = fileURLToPath(new URL('../', import.meta.url));
const program = `${checkout}images/bin/pv-image`;

function pvImage(argv: string[]): void {
  const { status } = spawnSync(program, argv, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const argv = process.argv.slice(2);
if (argv.includes('--help')) {
  console.log(`npm run start:qemu [-- OPTIONS]: a device in QEMU, with its console here; Ctrl-A X ends it

  --arch NAME             ${architectureNames.join(', ')}; default: x86_64
  --fresh                 forget what the device has become
  and the other options of 'pv-image run'`);
  process.exit(0);
}
let wanted: QemuArguments;
try {
  wanted = readQemuArguments(argv);
} catch (error) {
  console.error(`start:qemu: ${(error as Error).message}`);
  process.exit(64);
}
const { architecture, rest } = wanted;
await buildDemoRepository(architecture);
const image = `${checkout}build/images/demo-${architecture}.img`;
pvImage(['build', '--verbose', `${checkout}images/recipes/demo-${architecture}.json`, '-o', image]);
console.error(`
It starts in half a minute, with its console here. Then:
  port 8080    the page of the container web: a browser, or curl http://127.0.0.1:8080
  port 12368   the control socket of the device, from the container gateway: curl http://localhost:12368/containers
  Enter        a shell on the device; try 'pvcontrol ls'
  Ctrl-A X     ends the machine; it goes on where it was the next time
`);
pvImage(['run', image, ...rest]);
