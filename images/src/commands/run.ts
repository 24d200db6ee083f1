/** `pv-image run`. */
import { rm } from 'node:fs/promises';
import { type CommandSpec, Failure, type Input } from '@pantavisor/cli';
import type { PvImage } from '../context.ts';
import type { Machine, MachineEnd } from '../qemu/machine.ts';
import { assertFree, describeForwards, joinForwards, parseForward } from '../run/forwards.ts';
import { diskOf, type Firmware, ImageMachine } from '../run/image-machine.ts';
import { knownImage } from '../run/inspect.ts';
import { fileArgument } from './recipe-file.ts';

/** Ctrl-A, and the key after it that ends the machine, as in QEMU. */
const [escapeKey, quitKey] = ['\u0001', 'x'];
const aYear = 365 * 24 * 3600;
/** Longest delay of a timer in seconds. */
const longest = 2_147_483;

function number(input: Input, name: string, least: number, most: number): number | undefined {
  const text = input.text(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Failure('usage', `cannot use ${text} for --${name}: a whole number from ${least} to ${most}`);
}

/**
 * Joins console and terminal until the machine ends.
 * @param ports said again when the device is ready: what was said before has run out of sight by then
 */
async function attach(machine: Machine, { terminal }: PvImage, ports: string): Promise<MachineEnd> {
  const { stdin } = process;
  const quiet = machine.console.listen((chunk) => terminal.stdout.write(chunk));
  const ready = machine.console.waitFor(/pantavisor: ready socket=.*\n/, { seconds: longest });
  ready.then(
    () => {
      // The console may be in the middle of its next line.
      const start = machine.console.text.endsWith('\n') ? '' : '\r\n';
      terminal.stderr.write(`${start}pv-image: the device is ready; ${ports}Ctrl-A X ends the machine\r\n`);
    },
    // It ended before.
    () => {},
  );
  let escaped = false;
  const onKeys = (chunk: Buffer) => {
    for (const key of chunk.toString('utf8')) {
      if (escaped && key.toLowerCase() === quitKey) void machine.kill();
      else if (!escaped && key === escapeKey) {
        escaped = true;
        continue;
      } else machine.console.send(key);
      escaped = false;
    }
  };
  const onSignal = () => void machine.kill();
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', onKeys);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await machine.ended;
  } finally {
    quiet();
    stdin.off('data', onKeys).pause();
    if (stdin.isTTY) stdin.setRawMode(false);
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

export const runCommand: CommandSpec<PvImage> = {
  names: ['run'],
  summary: 'start an image in QEMU, with its console here',
  about: `The machine writes to a disk of its own, IMAGE.disk, which is made from the image and kept: what the device has become is there at the
next start. Ctrl-A X ends the machine. An image without its account (IMAGE.json), such as one from a hub, is known by its partitions; it has no
ports but those of --port.`,
  arguments: [{ name: 'image', help: 'image that pv-image built', complete: 'file' }],
  flags: [
    {
      names: ['disk'],
      kind: 'text',
      value: 'file',
      help: 'disk of the machine; default: IMAGE.disk',
      complete: 'file',
    },
    { names: ['fresh'], kind: 'boolean', help: 'begin with a new disk' },
    { names: ['size'], kind: 'text', value: 'MiB', help: 'size of a new disk, when larger than the image' },
    {
      names: ['firmware'],
      kind: 'text',
      value: 'kind',
      choices: ['bios', 'efi'],
      help: 'bios or efi, for images with GRUB',
      fallback: 'bios',
    },
    { names: ['memory', 'm'], kind: 'text', value: 'MiB', help: 'default: what the recipe says' },
    { names: ['processors'], kind: 'text', value: 'number', help: 'default: what the recipe says' },
    {
      names: ['port', 'p'],
      kind: 'list',
      value: 'host:guest',
      help: 'forward a TCP port of this machine, beside those of the recipe, or in place of the one to the same guest port',
    },
    { names: ['seconds'], kind: 'text', value: 'number', help: 'end it after that time' },
  ],
  examples: [
    ['pv-image run build/images/x64.img', 'start it'],
    ['pv-image run x64.img --firmware efi --fresh', 'by UEFI, as on the first day'],
    ['pv-image run x64.img -p 8222:8222 -p 0:80', 'with two more ports'],
  ],
  async run(context, input) {
    const image = fileArgument(context, input, 'image');
    const account = await knownImage(image);
    const wanted = input.text('firmware') ?? 'bios';
    if (wanted !== 'bios' && wanted !== 'efi')
      throw new Failure('usage', `cannot use ${wanted} as firmware: there is bios, efi`);
    const disk = context.path(input.text('disk') ?? `${image}.disk`);
    const size = number(input, 'size', 1, 1024 * 1024);
    if (input.on('fresh')) for (const file of [disk, `${disk}.efi`]) await rm(file, { force: true });
    await diskOf(image, disk, size === undefined ? undefined : size * 1024 * 1024);
    const forwards = joinForwards(account.machine.ports, input.list('port').map(parseForward));
    await assertFree(forwards);
    const memory = number(input, 'memory', 32, 65536);
    const processors = number(input, 'processors', 1, 64);
    const machine = await ImageMachine.prepare({
      disk,
      account,
      firmware: wanted satisfies Firmware,
      ...(memory === undefined ? {} : { memory }),
      ...(processors === undefined ? {} : { processors }),
      forwards,
      seconds: Math.min(number(input, 'seconds', 1, aYear) ?? longest, longest),
    });
    try {
      const started = await machine.start();
      const ports = await describeForwards(started, forwards);
      if (ports !== '') context.terminal.stderr.write(`pv-image: ${ports}\n`);
      const end = await attach(started, context, ports === '' ? '' : `${ports}; `);
      if (end.reason === 'failed' || end.reason === 'panic')
        throw new Failure('machine', `cannot go on: the machine ended (${end.reason}) ${end.messages}`, {
          exitCode: 4,
        });
      return { text: '', json: { reason: end.reason, disk } };
    } finally {
      await machine.close();
    }
  },
};
