/** Programs: started by the C host, their output read through pipes, their end noticed through pidfds. */
import { type Kernel, type Loop, SystemCallError, spawnProgram } from '@pantavisor/small-host';
import { HostError, type Processes } from '../ports.ts';
import type { Children } from './children.ts';
import { drain, feed, makePipe } from './pipes.ts';
import { signalNumber } from './signals.ts';

/** Bytes kept of each stream of a program that is run to its end, and the longest line of one that stays. */
const mostKept = 64 * 1024;
/** How long output is awaited after a program's end: a grandchild may hold the pipe open for ever. */
const graceForOutput = 250;
const kill = 9;

interface StartOptions {
  program?: string;
  environment?: Record<string, string>;
  directory?: string;
}

/** Creates the port. `environment` is what programs get when nothing else is asked. */
export function createProcesses(
  kernel: Kernel,
  loop: Loop,
  children: Children,
  environment: Record<string, string>,
): Processes {
  const start = (argv: string[], options: StartOptions, descriptors: [number, number, number]): number => {
    const [program] = argv;
    if (program === undefined) throw new HostError('EINVAL', 'run', undefined, 'no program is named');
    try {
      return spawnProgram(kernel, {
        argv,
        ...(options.program === undefined ? {} : { program: options.program }),
        environment: options.environment ?? environment,
        directory: options.directory,
        descriptors,
        newSession: true,
      });
    } catch (error) {
      if (error instanceof SystemCallError)
        throw new HostError(error.code, 'run', program, undefined, { cause: error });
      throw error;
    }
  };

  const withOutput = (
    argv: string[],
    options: StartOptions,
    input: number,
    onBytes: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void,
  ) => {
    const stdout = makePipe(kernel);
    const stderr = makePipe(kernel);
    let pid: number;
    try {
      pid = start(argv, options, [input, stdout.writer, stderr.writer]);
    } catch (error) {
      for (const descriptor of [stdout.reader, stderr.reader]) kernel.close(descriptor);
      throw error;
    } finally {
      for (const descriptor of [stdout.writer, stderr.writer]) kernel.close(descriptor);
    }
    const streams = [
      drain(kernel, loop, stdout.reader, (bytes) => onBytes('stdout', bytes)),
      drain(kernel, loop, stderr.reader, (bytes) => onBytes('stderr', bytes)),
    ];
    const exited = children.follow(pid).then(async (end) => {
      const cancel = loop.after(graceForOutput, () => {
        for (const stream of streams) stream.stop();
      });
      await Promise.all(streams.map((stream) => stream.ended));
      cancel();
      return end ?? { code: undefined, signal: undefined };
    });
    return { pid, exited };
  };

  return {
    async run(argv, options = {}) {
      const kept = { stdout: new KeptBytes(), stderr: new KeptBytes() };
      const input = options.input === undefined ? undefined : makePipe(kernel);
      let started: ReturnType<typeof withOutput>;
      try {
        started = withOutput(argv, options, input?.reader ?? -1, (stream, bytes) => kept[stream].add(bytes));
      } catch (error) {
        if (input) kernel.close(input.writer);
        throw error;
      } finally {
        if (input) kernel.close(input.reader);
      }
      if (input) feed(kernel, loop, input.writer, kernel.encode(options.input ?? ''));
      let timedOut = false;
      const cancel =
        options.timeout === undefined
          ? undefined
          : loop.after(options.timeout, () => {
              timedOut = true;
              // The program leads a process group of its own.
              kernel.raw('kill', 0, -started.pid, kill);
            });
      const { code, signal } = await started.exited;
      cancel?.();
      return {
        code,
        signal,
        stdout: kernel.decode(kept.stdout.bytes()),
        stderr: kernel.decode(kept.stderr.bytes()),
        timedOut,
      };
    },
    async spawn(argv, options = {}) {
      const { onLine } = options;
      if (!onLine) {
        const pid = start(argv, options, [-1, -1, -1]);
        return {
          pid,
          exited: children.follow(pid).then((end) => end ?? { code: undefined, signal: undefined }),
          signal: sender(kernel, pid),
        };
      }
      const lines = {
        stdout: new LineSplitter(kernel, (line) => onLine('stdout', line)),
        stderr: new LineSplitter(kernel, (line) => onLine('stderr', line)),
      };
      const { pid, exited } = withOutput(argv, options, -1, (stream, bytes) => lines[stream].add(bytes));
      const finished = exited.then((end) => {
        lines.stdout.end();
        lines.stderr.end();
        return end;
      });
      return { pid, exited: finished, signal: sender(kernel, pid) };
    },
    isAlive: (pid) => {
      try {
        const descriptor = kernel.open(`/proc/${pid}/stat`, 0);
        const length = kernel.read(descriptor, 1024);
        kernel.close(descriptor);
        const text = kernel.takeBuffer(length);
        // The program's name stands in parentheses and may contain any.
        return !'ZX'.includes(text[text.lastIndexOf(')') + 2] ?? 'X');
      } catch {
        return false;
      }
    },
  };
}

function sender(kernel: Kernel, pid: number): (signal: string) => void {
  return (signal) => {
    const number = signalNumber(signal);
    if (number === undefined) throw new HostError('EINVAL', 'send signal', signal, 'there is no such signal');
    kernel.raw('kill', 0, pid, number);
  };
}

/** Keeps the first part of a program's output; the rest is read and dropped, so that the program never waits for us. */
class KeptBytes {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  add(bytes: Uint8Array): void {
    const piece = bytes.subarray(0, mostKept - this.#length);
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  bytes(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let offset = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, offset);
      offset += piece.length;
    }
    return whole;
  }
}

/** Cuts a stream into lines; one that is too long is handed on in pieces. */
class LineSplitter {
  readonly #kernel: Kernel;
  readonly #onLine: (line: string) => void;
  #rest: number[] = [];

  constructor(kernel: Kernel, onLine: (line: string) => void) {
    this.#kernel = kernel;
    this.#onLine = onLine;
  }

  add(bytes: Uint8Array): void {
    let begin = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, begin)) {
      this.#hand([...this.#rest, ...bytes.subarray(begin, end)]);
      this.#rest = [];
      begin = end + 1;
    }
    for (const byte of bytes.subarray(begin)) this.#rest.push(byte);
    if (this.#rest.length >= mostKept) this.end();
  }

  end(): void {
    if (this.#rest.length > 0) this.#hand(this.#rest);
    this.#rest = [];
  }

  #hand(bytes: number[]): void {
    this.#onLine(this.#kernel.decode(Uint8Array.from(bytes)));
  }
}
