/** Reaches the control socket of a device: on this machine, or through ssh. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Failure } from '@pantavisor/cli';
import { ControlClient } from '@pantavisor/ctrl-api/client';
import type { Pvr } from '../context.ts';
import type { Location } from '../reference.ts';

export interface Device {
  control: ControlClient;
  close(): Promise<void>;
}

const remoteSocket = '/run/pantavisor/pv/pv-ctrl';
const connectTimeout = 30_000;

/** @throws Failure `device-unreachable` */
export async function openDevice(pvr: Pvr, location: Location & { kind: 'socket' | 'ssh' }): Promise<Device> {
  if (location.kind === 'socket') {
    if (!existsSync(location.path))
      throw new Failure('device-unreachable', `cannot reach the device: there is no socket ${location.path}`, {
        exitCode: 3,
      });
    return { control: new ControlClient(location.path), close: async () => {} };
  }
  const directory = await mkdtemp(join(tmpdir(), 'pvr-ssh-'));
  const local = join(directory, 'pv-ctrl');
  // PVR_SSH replaces the program, e.g. with one that knows the way through a jump host.
  const [program = 'ssh', ...first] = (pvr.environment.PVR_SSH ?? 'ssh').split(/\s+/);
  const child = spawn(
    program,
    [
      ...first,
      '-N',
      '-o',
      'ExitOnForwardFailure=yes',
      '-o',
      'ServerAliveInterval=15',
      ...(location.port === undefined ? [] : ['-p', location.port]),
      '-L',
      `${local}:${location.socket ?? remoteSocket}`,
      '--',
      location.host,
    ],
    { stdio: ['inherit', 'ignore', 'inherit'] },
  );
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`ssh ended with ${signal ?? `exit code ${code}`}`));
  });
  const close = async (): Promise<void> => {
    child.kill();
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  const outcome = await Promise.race([ended, listening(local)]);
  if (outcome !== undefined) {
    await close();
    throw new Failure('device-unreachable', `cannot reach ${location.host}: ${outcome}`, {
      exitCode: 3,
      hint: `the device must allow ssh to forward unix sockets; its control socket is expected at ${location.socket ?? remoteSocket}`,
    });
  }
  return { control: new ControlClient(local), close };
}

/** Resolves when something accepts connections at the path; a text says why not. */
async function listening(path: string): Promise<string | undefined> {
  const begin = performance.now();
  while (performance.now() - begin < connectTimeout) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = connect(path);
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (accepted) return undefined;
    // ssh gives no sign of its own when the forwarding stands.
    await pause(50);
  }
  return `no connection within ${connectTimeout / 1000} s`;
}
