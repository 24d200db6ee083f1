/** Machines with a shell on their console, which the kernel starts with a storage disk beside: for looking inside. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type CpioEntry, cpioArchive } from '@pantavisor/images/debian';
import { architectures } from '@pantavisor/images/images';
import type { Machine, MachineOptions } from '@pantavisor/images/qemu';
import { temporaryDirectory } from '../harness/cleanup.ts';
import { bootFiles } from './device-image.ts';
import { joinInitrds, startMachine } from './harness.ts';

/** What the console shows when all goals of the revision are met. */
export const ready = /pantavisor: ready socket/;

/**
 * Boots a storage.
 * @param words for the kernel command line
 * @param files added to the initramfs
 */
export async function boot(
  t: TestContext,
  disk: string,
  words = '',
  files: Record<string, string> = {},
  options: Partial<MachineOptions> = {},
): Promise<Machine> {
  const { architecture = 'x86_64' } = options;
  const { kernel, initrd } = await bootFiles(architecture);
  const more = new Map(
    Object.entries(files).map(([path, text]): [string, CpioEntry] => [
      path,
      { kind: 'file', mode: 0o755, content: Buffer.from(text) },
    ]),
  );
  const joined = join(temporaryDirectory(t), 'initrd');
  writeFileSync(joined, joinInitrds(initrd, cpioArchive(more)));
  return startMachine(
    t,
    {
      architecture,
      memory: 256,
      boot: {
        kind: 'kernel',
        kernel,
        initrd: joined,
        commandLine: `${architectures[architecture].arguments} panic=-1 root=/dev/ram rootfstype=ramfs pv_debug ${words}`,
      },
      disks: [{ file: disk }],
      ...options,
    },
    900,
  );
}

/** Runs a command in the machine's shell and gives what it printed. */
export async function inside({ console }: Machine, command: string): Promise<string> {
  const from = console.mark;
  console.send(`${command}; echo "end of"" command"\n`);
  const { index } = await console.waitFor(/end of command/, { from });
  return console.text.slice(from, from + index);
}

/** Switches the machine off in order, and proves that it was. */
export async function powerOff(machine: Machine): Promise<void> {
  machine.console.send('poweroff\n');
  assert.equal((await machine.ended).reason, 'power-off', machine.console.text.slice(-2000));
  assert.equal(/cannot unmount.*/.exec(machine.console.text)?.[0], undefined);
}
