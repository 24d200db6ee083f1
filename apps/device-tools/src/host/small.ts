/** The doors in the executable of the small host: system calls. Where nothing else could go on meanwhile, they simply block. */
import { joined } from '@pantavisor/ctrl-api/portable';
import {
  bufferOffset,
  bufferSize,
  Kernel,
  Loop,
  openFlags,
  SystemCallError,
  spawnProgram,
  startValues,
} from '@pantavisor/small-host';
import type { MeshHost } from './mesh-ports.ts';
import { createSmallMesh } from './mesh-small.ts';
import type { ToolHost } from './ports.ts';
import { durableFiles } from './small-files.ts';
import { waitForEnd } from './small-process.ts';
import { standardOutput } from './small-terminal.ts';
import { createTransport } from './small-transport.ts';

/** Bytes that the C host takes over at once. */
const feedSize = 64 * 1024;

/** What the program was called by, with what, and its doors. */
export interface SmallTools {
  program: string;
  argv: readonly string[];
  host: ToolHost;
  kernel: Kernel;
  loop: Loop;
  /** Doors of the service mesh, over the same kernel. */
  mesh(): MeshHost;
  exit(code: number): never;
}

/** Creates the host of this process. */
export function createSmallTools(): SmallTools {
  const kernel = new Kernel(machine);
  const loop = new Loop(kernel);
  const { argv, program, environment } = startValues(kernel);
  const host: ToolHost = {
    pid: kernel.call('getpid', 0, []),
    isRoot: kernel.call('getuid', 0, []) === 0,
    environment,
    stdout: standardOutput(kernel, 1),
    stderr: standardOutput(kernel, 2),
    stdin: () => piecesOf(kernel, 0),
    transport: createTransport(kernel, loop),
    files: createFiles(kernel),
    sha256: () => createHash(kernel),
    gunzip: (pieces) => gunzip(kernel, pieces),
    pause: (milliseconds) =>
      new Promise((resolve) => {
        loop.after(milliseconds, resolve);
      }),
    run: async (command, variables) =>
      named(() => {
        const set = Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined);
        const argvOfIt = [...command];
        return waitForEnd(kernel, () =>
          spawnProgram(kernel, {
            argv: argvOfIt,
            environment: Object.fromEntries(set),
            descriptors: [0, 1, 2],
            newSession: false,
          }),
        );
      }),
  };
  return {
    program: program.slice(program.lastIndexOf('/') + 1),
    argv,
    host,
    kernel,
    loop,
    mesh: () => createSmallMesh(kernel, loop, argv),
    exit: (code) => kernel.machine.exit(code),
  };
}

/** Runs work; of a refused system call only the reason is told, as the port asks. */
export function named<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof SystemCallError ? new Error(error.code, { cause: error }) : error;
  }
}

async function* piecesOf(kernel: Kernel, descriptor: number): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const count = named(() => kernel.read(descriptor));
      if (count === 0) return;
      yield kernel.bytes.slice(bufferOffset, bufferOffset + count);
    }
  } finally {
    if (descriptor > 2) kernel.close(descriptor);
  }
}

function createFiles(kernel: Kernel): ToolHost['files'] {
  const { readOnly, writeOnly, create, truncate } = openFlags;
  return {
    exists(path) {
      try {
        kernel.close(kernel.open(path, kernel.pathFlag));
        return true;
      } catch {
        return false;
      }
    },
    async readText(path) {
      const pieces: Uint8Array[] = [];
      for await (const piece of piecesOf(
        kernel,
        named(() => kernel.open(path, readOnly)),
      ))
        pieces.push(piece);
      return kernel.decode(joined(pieces));
    },
    async open(path, from = 0) {
      const descriptor = named(() => kernel.open(path, readOnly));
      const size = named(() => kernel.sizeOf(descriptor));
      kernel.seek(descriptor, from);
      return { size, pieces: piecesOf(kernel, descriptor) };
    },
    async create(path) {
      const descriptor = named(() => kernel.open(path, writeOnly | create | truncate, 0o644));
      return {
        write: async (bytes) => named(() => kernel.write(descriptor, bytes)),
        sync: async () => void named(() => kernel.call('fdatasync', 0, [descriptor])),
        close: async () => kernel.close(descriptor),
      };
    },
    ...durableFiles(kernel),
    overwrite(path, text) {
      named(() => {
        const descriptor = kernel.open(path, writeOnly);
        try {
          kernel.write(descriptor, kernel.encode(text));
        } finally {
          kernel.close(descriptor);
        }
      });
    },
  };
}

function createHash(kernel: Kernel): ReturnType<ToolHost['sha256']> {
  const context = kernel.door(kernel.machine.hashNew(), 'hash');
  return {
    update(bytes) {
      for (let at = 0; at < bytes.length; at += bufferSize) {
        const piece = bytes.subarray(at, at + bufferSize);
        kernel.bytes.set(piece, bufferOffset);
        kernel.door(kernel.machine.hashUpdate(context, bufferOffset, piece.length), 'hash');
      }
    },
    hex: () => kernel.finishHash(context),
  };
}

async function* gunzip(kernel: Kernel, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { machine, bytes } = kernel;
  kernel.door(machine.inflateNew(), 'unpack');
  let isOpen = true;
  try {
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; at += feedSize) {
        const part = piece.subarray(at, at + feedSize);
        bytes.set(part, bufferOffset);
        kernel.door(machine.inflateFeed(bufferOffset, part.length), 'unpack');
        for (let count = take(kernel); count > 0; count = take(kernel))
          yield bytes.slice(bufferOffset, bufferOffset + count);
      }
    }
    isOpen = false;
    if (machine.inflateEnd() < 0) throw new Error('the compressed data ends early');
  } finally {
    if (isOpen) machine.inflateEnd();
  }
}

function take(kernel: Kernel): number {
  const count = kernel.machine.inflateTake(bufferOffset, bufferSize);
  if (count < 0) throw new Error('this is no gzip');
  return count;
}
