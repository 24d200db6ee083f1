/** Programs of the installation that run beside the containers (tools.md §2). */
import type { DeviceConfig } from '../config/table.ts';

type InitMode = DeviceConfig['PV_SYSTEM_INIT_MODE'];

export interface DaemonSpec {
  name: string;
  /** The program; a device that has none of this name does without. */
  binary: string;
  arguments: readonly string[];
  modes: readonly InitMode[];
  /** It runs only while the revision needs it, or when it was started over the control socket. */
  onDemand?: boolean;
}

export const daemonTable: readonly DaemonSpec[] = [
  { name: 'hwrngd', binary: '/usr/bin/rngd', arguments: ['-f'], modes: ['embedded', 'standalone'] },
  {
    name: 'pv-xconnect',
    binary: '/usr/bin/pv-xconnect',
    arguments: [],
    modes: ['embedded', 'standalone', 'appengine'],
    onDemand: true,
  },
];
