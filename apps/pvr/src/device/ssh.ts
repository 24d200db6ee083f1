/**
 * The control socket of a device over ssh. OpenSSH's own client makes one connection; through it the socket is forwarded, or,
 * where the server cannot do that (dropbear), each connection is carried by a small program on the device.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import type { Location } from '../reference.ts';

/** Where the runtime has its socket, unless the reference says otherwise. */
const remoteSocket = '/run/pantavisor/pv/pv-ctrl';
/** Milliseconds until somebody has typed a password and the connection stands. */
const connectTimeout = 120_000;
const answerTimeout = 20_000;

export interface Tunnel {
  /** A socket of this machine whose connections end in the control socket of the device. */
  path: string;
  close(): Promise<void>;
}

/** @throws Failure `device-unreachable` */
export async function openTunnel(pvr: Pvr, location: Location & { kind: 'ssh' }): Promise<Tunnel> {
  const connection = new SshConnection(pvr, location, await mkdtemp(join(tmpdir(), 'pvr-ssh-')));
  try {
    await connection.open();
    const path = (await connection.forward()) ?? (await connection.carry());
    if (path !== undefined) return { path, close: () => connection.close() };
    throw connection.unreachable('nothing answers at its control socket');
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class SshConnection {
  readonly #program: string;
  readonly #first: readonly string[];
  readonly #location: Location & { kind: 'ssh' };
  readonly #directory: string;
  readonly #children = new Set<ChildProcess>();
  #server: Server | undefined;

  constructor(pvr: Pvr, location: Location & { kind: 'ssh' }, directory: string) {
    // PVR_SSH replaces the program, e.g. with one that knows the way through a jump host.
    const [program = 'ssh', ...first] = (pvr.environment.PVR_SSH || 'ssh').split(/\s+/).filter((word) => word !== '');
    this.#program = program;
    this.#first = first;
    this.#location = location;
    this.#directory = directory;
  }

  get #socket(): string {
    return this.#location.socket ?? remoteSocket;
  }

  /** Logs in once; everything else goes through this connection. */
  async open(): Promise<void> {
    const master = this.#ssh(['-N', '-o', 'ControlMaster=yes', '-o', 'ServerAliveInterval=15'], [], 'inherit');
    let outcome: string | undefined;
    const over = ended(master).then((how) => {
      outcome = how;
    });
    const begin = performance.now();
    // ssh makes its control socket when it is logged in; it gives no other sign.
    while (outcome === undefined && !existsSync(join(this.#directory, 'master'))) {
      if (performance.now() - begin > connectTimeout) outcome = `no connection within ${connectTimeout / 1000} s`;
      await Promise.race([over, pause(50)]);
    }
    if (outcome !== undefined) throw this.unreachable(outcome);
  }

  /** Lets ssh forward the socket. Undefined when the server refuses. */
  async forward(): Promise<string | undefined> {
    const local = join(this.#directory, 'forwarded');
    const child = this.#ssh(['-O', 'forward', '-L', `${local}:${this.#socket}`], [], 'ignore');
    await ended(child);
    return existsSync(local) && (await answers(local)) ? local : undefined;
  }

  /** Carries each connection through a program on the device. Undefined when that does not work either. */
  async carry(): Promise<string | undefined> {
    const socket = `'${this.#socket.replaceAll("'", "'\\''")}'`;
    const command = `if command -v socat >/dev/null 2>&1; then exec socat - UNIX-CONNECT:${socket}; else exec nc -U ${socket}; fi`;
    const local = join(this.#directory, 'carried');
    const server = createServer({ allowHalfOpen: true }, (near) => {
      const child = this.#ssh([], [command], 'inherit', true);
      near.pipe(child.stdin!);
      child.stdout!.pipe(near);
      // Either end may go at any time; what that means is told by the exchange that it breaks.
      for (const stream of [near, child.stdin!, child.stdout!]) stream.on('error', () => {});
      near.on('close', () => child.kill());
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(local, resolve));
    return (await answers(local)) ? local : undefined;
  }

  #ssh(
    options: readonly string[],
    command: readonly string[],
    stderr: 'inherit' | 'ignore',
    piped = false,
  ): ChildProcess {
    const { host, port } = this.#location;
    const child = spawn(
      this.#program,
      [
        ...this.#first,
        '-o',
        `ControlPath=${join(this.#directory, 'master')}`,
        ...(port === undefined ? [] : ['-p', port]),
        ...options,
        '--',
        host,
        ...command,
      ],
      { stdio: [piped ? 'pipe' : 'inherit', piped ? 'pipe' : 'ignore', stderr] },
    );
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    child.once('error', () => this.#children.delete(child));
    return child;
  }

  unreachable(why: string): Failure {
    const { host } = this.#location;
    return new Failure('device-unreachable', `cannot reach ${host}: ${why}`, {
      exitCode: 3,
      hint: `the control socket is expected at ${this.#socket}; ssh must forward unix sockets, or the device must have nc -U or socat`,
    });
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
    const children = [...this.#children];
    const gone = children.map(ended);
    for (const child of children) child.kill();
    await Promise.all(gone);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** How a process ended, in words. */
function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`ssh ended with ${signal ?? `exit code ${code}`}`));
  });
}

/** Whether something speaks HTTP behind a socket: forwarded connections are accepted even when they lead nowhere. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'));
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(answerTimeout, () => end(false));
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
