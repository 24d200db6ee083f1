/** The terminal and helping programs over system calls (termios(3), ioctl_tty(2), signalfd(2)). */
import { joined } from '@pantavisor/ctrl-api/portable';
import { bufferOffset, bufferSize, Channel, type Kernel, type Loop, ready, spawnProgram } from '@pantavisor/small-host';
import { EventQueue } from './event-queue.ts';
import { Signals } from './signals.ts';
import { createSmallTools, named, type SmallTools } from './small.ts';
import { waitForChild } from './small-process.ts';
import type { PantaboxHost, Terminal, TerminalEvent } from './terminal-ports.ts';

const request = { getAttributes: 0x5401, setAttributes: 0x5403, getSize: 0x5413 } as const;
/** struct termios of the kernel, the same on the three architectures: four words of flags, the discipline, 19 control characters. */
const termiosSize = 36;
const word = { input: 0, output: 4, local: 12 } as const;
const character = { time: 22, minimum: 23 } as const;
/** Bits that are taken away: BRKINT ICRNL INPCK ISTRIP IXON, OPOST, ECHO ICANON IEXTEN ISIG. */
const cooked = { input: 0o2 | 0o400 | 0o20 | 0o40 | 0o2000, output: 0o1, local: 0o10 | 0o2 | 0o100000 | 0o1 } as const;
const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;
const setFlags = 4; // F_SETFL
/** Milliseconds that a program may be silent. */
const patience = 600_000;
const errorLimit = 4096;

/** Creates the host of this process. */
export function createSmallPantabox(): Omit<SmallTools, 'host'> & { host: PantaboxHost } {
  const tools = createSmallTools();
  const { kernel, loop, host } = tools;
  const isTerminal = [0, 1].every(
    (descriptor) => kernel.raw('ioctl', 0b100, descriptor, request.getSize, bufferOffset) === 0,
  );
  const terminal = isTerminal ? createTerminal(kernel, loop) : undefined;
  return { ...tools, host: { ...host, terminal, help: createHelp(kernel, loop) } };
}

function createTerminal(kernel: Kernel, loop: Loop): Terminal {
  let before: Uint8Array | undefined;
  let hasSignals = false;
  const events = new EventQueue<TerminalEvent>();
  const set = (attributes: Uint8Array) => {
    kernel.bytes.set(attributes, bufferOffset);
    kernel.raw('ioctl', 0b100, 0, request.setAttributes, bufferOffset);
  };
  const watchSignals = () => {
    if (hasSignals) return;
    hasSignals = true;
    const signals = new Signals(kernel, loop);
    signals.on('SIGWINCH', () => events.add('resized'));
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) signals.on(signal, () => events.add('ended'));
  };
  return {
    size() {
      const result = kernel.raw('ioctl', 0b100, 1, request.getSize, bufferOffset);
      if (result < 0) return { columns: 0, rows: 0 };
      const at = (offset: number) => kernel.view.getUint16(bufferOffset + offset, true);
      return { rows: at(0), columns: at(2) };
    },
    begin() {
      watchSignals();
      if (kernel.raw('ioctl', 0b100, 0, request.getAttributes, bufferOffset) === 0) {
        before = kernel.bytes.slice(bufferOffset, bufferOffset + termiosSize);
        const raw = before.slice();
        const view = new DataView(raw.buffer);
        for (const name of ['input', 'output', 'local'] as const)
          view.setUint32(word[name], view.getUint32(word[name], true) & ~cooked[name], true);
        raw[character.minimum] = 1;
        raw[character.time] = 0;
        set(raw);
      }
      loop.watch(0, ready.read, () => {
        const count = kernel.raw('read', 0b10, 0, bufferOffset, bufferSize);
        if (count > 0) events.add(kernel.bytes.slice(bufferOffset, bufferOffset + count));
        else {
          loop.unwatch(0);
          events.add(undefined);
        }
      });
    },
    end() {
      loop.unwatch(0);
      if (before) set(before);
      before = undefined;
    },
    write(text) {
      const bytes = kernel.encode(text);
      for (let done = 0; done < bytes.length; ) {
        const piece = bytes.subarray(done, done + bufferSize);
        kernel.bytes.set(piece, bufferOffset);
        const count = kernel.raw('write', 0b10, 1, bufferOffset, piece.length);
        // Interrupted: once more. Anything else means that nobody reads any more, which `next` tells.
        if (count === -4) continue;
        if (count < 0) return;
        done += count;
      }
    },
    next: () => events.next(),
  };
}

function createHelp(kernel: Kernel, loop: Loop): PantaboxHost['help'] {
  const pipe = (): [number, number] => {
    kernel.call('pipe2', 0b1, [bufferOffset, closeOnExec]);
    return [kernel.view.getInt32(bufferOffset, true), kernel.view.getInt32(bufferOffset + 4, true)];
  };
  return async (argv, environment, input) =>
    named(() => {
      const [[stdin, toStdin], [output, stdout], [errors, stderr]] = [pipe(), pipe(), pipe()];
      const set = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
      let pid: number;
      try {
        pid = spawnProgram(kernel, {
          argv: [...argv],
          environment: Object.fromEntries(set),
          descriptors: [stdin, stdout, stderr],
          newSession: false,
        });
      } catch (error) {
        for (const descriptor of [toStdin, output, errors]) kernel.close(descriptor);
        throw error;
      } finally {
        for (const descriptor of [stdin, stdout, stderr]) kernel.close(descriptor);
      }
      if (input !== undefined) kernel.write(toStdin, kernel.encode(input));
      kernel.close(toStdin);
      const channelOf = (descriptor: number) => {
        kernel.raw('fcntl', 0, descriptor, setFlags, nonBlocking);
        return new Channel(kernel, loop, descriptor);
      };
      const said = textOf(kernel, channelOf(errors));
      let ended = (_: { code: number; errors: string }) => {};
      const end = new Promise<{ code: number; errors: string }>((resolve) => {
        ended = resolve;
      });
      const channel = channelOf(output);
      const pieces = async function* () {
        try {
          for (let piece = await channel.read(patience); piece; piece = await channel.read(patience)) yield piece;
        } finally {
          channel.close();
          const text = await said;
          ended({ code: waitForChild(kernel, pid), errors: text });
        }
      };
      return { output: pieces(), ended: end };
    });
}

async function textOf(kernel: Kernel, channel: Channel): Promise<string> {
  const pieces: Uint8Array[] = [];
  for (let piece = await channel.read(patience); piece; piece = await channel.read(patience))
    if (pieces.length < errorLimit / 64) pieces.push(piece.slice(0, errorLimit));
  channel.close();
  return kernel.decode(joined(pieces));
}
