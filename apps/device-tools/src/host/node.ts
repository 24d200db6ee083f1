/** The doors on Node. Modules that most runs do not need are loaded when they are: a run is over in the time that takes. */
import { createReadStream, existsSync, writeFileSync } from 'node:fs';
import { chmod, copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { outputOf } from '@pantavisor/cli/node-terminal';
import type { Environment } from '@pantavisor/cli/output';
import { nodeTransport } from '@pantavisor/ctrl-api/client';
import type { ToolHost } from './ports.ts';

const pieceBytes = 1024 * 1024;

/** Creates the host of this process. */
export function createNodeTools(): ToolHost {
  return {
    pid: process.pid,
    isRoot: process.getuid?.() === 0,
    environment: process.env,
    stdout: outputOf(1),
    stderr: outputOf(2),
    stdin: () => process.stdin,
    transport: nodeTransport,
    files: {
      exists: existsSync,
      readText: (path) => readFile(path, 'utf8'),
      open: async (path, start = 0) => ({
        size: (await stat(path)).size,
        pieces: createReadStream(path, { highWaterMark: pieceBytes, start }),
      }),
      create: async (path) => {
        const handle = await open(path, 'w');
        return {
          write: (bytes) => handle.writeFile(bytes),
          sync: () => handle.datasync(),
          close: () => handle.close(),
        };
      },
      replace,
      makeDirectory: async (path, mode = 0o755) => {
        // The umask would take bits of it away.
        if ((await mkdir(path, { recursive: true, mode })) !== undefined) await chmod(path, mode);
      },
      list: async (path) => (await readdir(path)).sort(),
      remove: (path) => rm(path, { recursive: true, force: true }),
      rename: async (from, to) => {
        await rename(from, to);
        await flush(dirname(to));
      },
      link: (existing, path) =>
        link(existing, path).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EXDEV') throw error;
          return copyFile(existing, path);
        }),
      syncFileSystem: async (path) => {
        await run(['sync', '-f', path], process.env);
      },
      overwrite: (path, text) => writeFileSync(path, text, { flag: 'r+' }),
    },
    sha256: () => {
      const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
      return {
        update: (bytes) => {
          hash.update(bytes);
        },
        hex: () => hash.digest('hex'),
      };
    },
    gunzip,
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    run,
  };
}

/** Written beside, flushed, renamed, and the directory flushed. */
async function replace(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  try {
    const file = await open(temporary, 'w', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await flush(dirname(path));
}

async function flush(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* gunzip(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { pipeline, Readable } = await import('node:stream');
  const unpacked = (await import('node:zlib')).createGunzip();
  // A failure on the way in comes out here, too.
  pipeline(Readable.from(pieces), unpacked, () => {});
  yield* unpacked;
}

async function run(argv: readonly string[], environment: Environment): Promise<number> {
  const { spawn } = await import('node:child_process');
  const { constants } = await import('node:os');
  const [program = '', ...rest] = argv;
  const leaveToProgram = () => {};
  process.on('SIGINT', leaveToProgram).on('SIGQUIT', leaveToProgram);
  const child = spawn(program, rest, { stdio: 'inherit', env: environment });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
