/** Reaches the control socket of a device: on this machine, or through ssh. */
import { existsSync } from 'node:fs';
import { Failure } from '@pantavisor/cli';
import { ControlClient } from '@pantavisor/ctrl-api/client';
import type { Pvr } from '../context.ts';
import type { Location } from '../reference.ts';
import { openTunnel } from './ssh.ts';

export interface Device {
  control: ControlClient;
  close(): Promise<void>;
}

/** @throws Failure `device-unreachable` */
export async function openDevice(pvr: Pvr, location: Location & { kind: 'socket' | 'ssh' }): Promise<Device> {
  if (location.kind === 'ssh') {
    const { path, close } = await openTunnel(pvr, location);
    return { control: new ControlClient(path), close };
  }
  if (!existsSync(location.path))
    throw new Failure('device-unreachable', `cannot reach the device: there is no socket ${location.path}`, {
      exitCode: 3,
    });
  return { control: new ControlClient(location.path), close: async () => {} };
}
