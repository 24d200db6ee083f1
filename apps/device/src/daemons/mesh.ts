/** The service mesh among the daemons: how it is started, when it is needed, how it is told to look (xconnect.md §1, §9). */
import type { Container } from '@pantavisor/state';
import type { DeviceConfig } from '../config/table.ts';
import type { System } from '../host/ports.ts';
import type { OwnDaemon } from './daemons.ts';

/** The mesh looks at the graph when it gets this one; a process that does not listen for it yet ignores it. */
export const meshSignal = 'SIGWINCH';
/** Milliseconds in which changes are gathered before the mesh is told. */
export const meshPause = 20;

/** Daemons that come with the runtime. */
export function ownDaemons(
  { system: { mesh } }: { system: Pick<System, 'mesh'> },
  config: Pick<DeviceConfig, 'PV_XCONNECT_REST_IDENTITY'>,
  socketPath: string,
): Record<string, OwnDaemon> {
  if (mesh === undefined) return {};
  const options = config.PV_XCONNECT_REST_IDENTITY ? [] : ['--no-identity'];
  return { 'pv-xconnect': { ...mesh, argv: [...mesh.argv, ...options, socketPath] } };
}

/** Whether there is anything to connect: somebody asks for what somebody exports. */
export function isMeshed(containers: readonly Pick<Container, 'provides' | 'requires'>[]): boolean {
  const offered = new Set(
    containers.flatMap(({ provides }) => provides.flatMap((each) => (each.kind === 'socket' ? [each.name] : []))),
  );
  return containers.some(({ requires }) => requires.some(({ name }) => offered.has(name)));
}
