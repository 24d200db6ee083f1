/** The control socket: its place, its limits, and the rooms of the device behind it (control.md §1). */
import type { State } from '@pantavisor/state';
import type { ConfigStore } from '../config/store.ts';
import type { Daemons } from '../daemons/daemons.ts';
import type { Drivers } from '../drivers/drivers.ts';
import type { Http, HttpServer, TextCoding } from '../host/ports.ts';
import type { Metadata } from '../metadata/room.ts';
import type { WakeLocks } from '../power/wake-locks.ts';
import type { Runtime } from '../runtime/facade.ts';
import type { ObjectStore } from '../storage/objects.ts';
import { refuseWith } from './call.ts';
import { type Commands, commandHandlers } from './commands.ts';
import { configHandlers } from './config.ts';
import { containerHandlers } from './containers.ts';
import { graphHandlers } from './graph.ts';
import { daemonHandlers, driverHandlers, wakeLockHandlers } from './local-rooms.ts';
import { metadataHandlers } from './metadata.ts';
import { objectHandlers } from './objects.ts';
import { createRouter, type Handlers, unsupportedProtocol } from './router.ts';
import { type StepDoors, stepHandlers } from './steps.ts';

/** Rooms of the device that the control socket opens to callers. Endpoints of a room that is absent are not offered. */
export interface ControlRooms {
  runtime: Runtime;
  text: TextCoding;
  config?: Pick<ConfigStore, 'list' | 'legacyList'>;
  objects?: { store: ObjectStore; pathOf(id: string): string };
  steps?: StepDoors;
  commands?: Commands;
  metadata?: Metadata;
  drivers?: Pick<Drivers, 'list' | 'load' | 'unload'>;
  daemons?: Pick<Daemons, 'list' | 'has' | 'start' | 'stop'>;
  wakeLocks?: Pick<WakeLocks, 'status'>;
  /** State of the running revision. */
  state?: () => State | undefined;
  /** Told of failures that are ours, with the request line. */
  onFailure(request: string, error: unknown): void;
}

/** Only root may connect, as with the original; containers get the socket bound into them. */
const socketMode = 0o755;
/** Bytes, milliseconds, and connections. The number of connections bounds what a hostile container can make the runtime hold. */
const limits = { headerBytes: 16 * 1024, headerTimeout: 10_000, idleTimeout: 60_000, connections: 1024 } as const;

/** What answers requests, without a socket: for the server and for tests. */
export function createControlHandler(rooms: ControlRooms) {
  const handlers: Handlers = {
    ...containerHandlers(rooms.runtime),
    ...(rooms.config ? configHandlers(rooms.config) : {}),
    ...(rooms.objects ? objectHandlers(rooms.objects.store, rooms.objects.pathOf) : {}),
    ...(rooms.steps ? stepHandlers(rooms.steps, rooms.text) : {}),
    ...(rooms.commands ? commandHandlers(rooms.commands) : {}),
    ...(rooms.metadata ? metadataHandlers(rooms.metadata) : {}),
    ...(rooms.drivers ? driverHandlers(rooms.drivers) : {}),
    ...(rooms.daemons ? daemonHandlers(rooms.daemons) : {}),
    ...(rooms.state ? graphHandlers(rooms.runtime, rooms.state) : {}),
    ...(rooms.wakeLocks ? wakeLockHandlers(rooms.wakeLocks) : {}),
  };
  const { runtime, text, onFailure } = rooms;
  return createRouter({
    handlers,
    callerOf: (peer) => runtime.callerOf(peer),
    revision: () => runtime.revision(),
    text,
    onFailure,
  });
}

/**
 * Opens the control socket. It answers from the first moment; while no revision is loaded, containers and groups are refused with
 * `State not loaded yet`.
 * @throws HostError ENAMETOOLONG when the path does not fit into a socket address
 */
export function startControl(http: Http, socketPath: string, rooms: ControlRooms): Promise<HttpServer> {
  return http.serve({
    socketPath,
    mode: socketMode,
    handler: createControlHandler(rooms),
    malformed: (reason) => {
      if (reason === 'timeout') return refuseWith(408, 'Request took too long');
      if (reason === 'headers-too-large') return refuseWith(431, 'Request header is too large');
      return unsupportedProtocol(reason === 'method' ? 501 : 400);
    },
    limits,
  });
}
