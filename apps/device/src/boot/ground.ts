/** The ground a device stands on: its directories, its locked storage, its log, and the name of the revision to run. */
import type { ParseContext } from '@pantavisor/state';
import { Board } from '../board/board.ts';
import { liveConfig } from '../config/live.ts';
import type { ConfigStore } from '../config/store.ts';
import type { DeviceConfig } from '../config/table.ts';
import { type ConfigWarning, formatWarning } from '../config/warning.ts';
import type { Host } from '../host/ports.ts';
import { fillCredentialsVolume } from '../hub-client/credentials-volume.ts';
import { LogOutputs } from '../logs/outputs.ts';
import { parseContext } from '../revision/load.ts';
import { Failure } from '../runtime/failure.ts';
import { createLog, type Log, type LogSink } from '../runtime/log.ts';
import type { StorageLayout } from '../storage/layout.ts';
import type { ObjectStore } from '../storage/objects.ts';
import { ErrorTail } from '../updates/error-tail.ts';
import { type FoundBoot, findBoot } from '../updates/found.ts';
import { type VolumeHandlers, volumeHandlers } from '../volumes/handlers.ts';
import { installOwnRevision, type OwnRevision } from './install.ts';
import { choosePlaces, type Places, socketPathLimit } from './places.ts';
import { lockStorage, openStorage, orStorageFailure, resolveStorage } from './storage.ts';

export interface GroundRequest {
  store: ConfigStore;
  /** The kernel command line, or what stands in for it. */
  cmdline: string;
  /** Directory of the storage as it was given. */
  storage: string;
  /** A revision from files, to be installed first. */
  own?: OwnRevision;
  /** What was wrong in the configuration. */
  warnings: readonly ConfigWarning[];
  /** Sinks beside the log file of the revision. */
  sinks: readonly LogSink[];
}

export interface Ground {
  /** The configuration as it is at the moment of reading. */
  config: DeviceConfig;
  /** The configuration as it is now. */
  liveConfig: () => DeviceConfig;
  places: Places;
  /** Path of the control socket on the host. */
  socketPath: string;
  layout: StorageLayout;
  objects: ObjectStore;
  context: ParseContext;
  /** What was booted, and what there is about updates. */
  boot: FoundBoot;
  log: Log;
  /** Where log entries of all kinds go. */
  logs: LogOutputs;
  /** What the booted revision has brought for the board. */
  board: Board;
  handlers: VolumeHandlers;
  /** Errors of the update in hand. */
  errorTail: ErrorTail;
  /** Logs belong to another revision from now on. */
  moveLog(revision: string): Promise<void>;
  /** Writes what is left of the log and lets the storage go. */
  leave(): Promise<void>;
}

/**
 * Opens the storage and whatever has to be known before a revision can be read.
 * @throws Failure with a code of the table of exits; nothing is held then
 */
export async function openGround(host: Host, request: GroundRequest): Promise<Ground> {
  const { files, hashing } = host;
  const config = liveConfig(request.store);
  const storage = await resolveStorage(files, request.storage);
  const places = choosePlaces(request.store, storage, hashing);
  const socketPath = checkSocketPath(host, `${places.run}/pv-ctrl`);
  const lock = await lockStorage(files, storage);
  try {
    const { layout, objects, repaired } = await openStorage(files, places, config);
    const context = await parseContext(files, config, request.cmdline);
    const { own } = request;
    const refused =
      own === undefined
        ? []
        : await orStorageFailure(storage, () => installOwnRevision({ files, layout, objects, context }, own));
    const boot = await findBoot({ host, config, layout, places, cmdline: request.cmdline });
    const liveConfig = () => request.store.snapshot();
    const logs = new LogOutputs({ host, directory: places.logs, config: liveConfig }, boot.revision);
    const errorTail = new ErrorTail((text) => host.text.encode(text).length);
    const log = createLog(host.clock, () => liveConfig().PV_LOG_LEVEL, [
      (record) => logs.own(record),
      errorTail.sink,
      ...request.sinks,
    ]);
    for (const warning of request.warnings)
      log(warning.severity === 'note' ? 'INFO' : 'WARN', 'config', formatWarning(warning));
    for (const sentence of repaired) log('WARN', 'storage', sentence);
    for (const sentence of refused) log('ERROR', 'storage', sentence);
    const extra = () => (config.PV_VOLMOUNT_DM_EXTRA_ARGS ?? '').split(' ').filter((word) => word !== '');
    const handlers = volumeHandlers(host, places.library, places.volumes, extra);
    const board = new Board({ host, config, places, layout, context, handlers, log });
    await board.raise(boot.revision);
    const credentials = config.PV_STORAGE_PHCONFIG_VOL ? board.volume('pv--phconfig') : undefined;
    if (credentials !== undefined)
      for (const name of await fillCredentialsVolume(files, layout.config, credentials))
        log('INFO', 'hub', `${name} goes into the volume pv--phconfig, which has none yet`);
    const leave = async () => {
      await logs.flush();
      await lock.release();
    };
    const moveLog = (revision: string) => logs.moveTo(revision);
    return {
      config,
      liveConfig,
      places: {
        ...places,
        userMeta: board.volume('pv--usrmeta') ?? places.userMeta,
        deviceMeta: board.volume('pv--devmeta') ?? places.deviceMeta,
      },
      socketPath,
      layout: { ...layout, config: credentials ?? layout.config },
      board,
      handlers,
      objects,
      context,
      boot,
      log,
      logs,
      errorTail,
      moveLog,
      leave,
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function checkSocketPath({ text }: Pick<Host, 'text'>, path: string): string {
  const { length } = text.encode(path);
  if (length <= socketPathLimit) return path;
  throw new Failure('socket-path', `cannot make the control socket ${path}: its path has ${length} bytes`, {
    file: path,
    hint: `a socket's path holds ${socketPathLimit} bytes at most; set PV_SYSTEM_RUNDIR to a shorter directory`,
  });
}
