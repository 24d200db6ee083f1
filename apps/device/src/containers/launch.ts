/** Starting one container: everything between mounted volumes and a running init (containers.md §3, §3.1). */
import type { Container, RemountRule } from '@pantavisor/state';
import { type Places, statePaths } from '../boot/places.ts';
import type { Drivers } from '../drivers/drivers.ts';
import { type Host, HostError, type RunningContainer } from '../host/ports.ts';
import { type ContainerLogs, datagramSocket } from '../logs/container-logs.ts';
import type { Networks } from '../network/networks.ts';
import { Failure } from '../runtime/failure.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { layConfiguration } from './config-layer.ts';
import { splitCommand } from './init-command.ts';
import { findInLayers } from './layers.ts';
import {
  type BindEntry,
  type ControlGroupLayout,
  composeLxcConfig,
  hasInterfaces,
  type LxcContext,
  rootLayers,
} from './lxc-config.ts';
import { formatLxcConfig, type LxcLine, lastValue, parseLxcConfig } from './lxc-text.ts';
import { preparePresence, presenceDirectory, starterPath } from './presence.ts';
import { remountProgram } from './remount.ts';

/** A container of a revision, with what belongs to its start. */
export interface ContainerSource {
  container: Container;
  revision: string;
  /** The revision's directory, `<S>/trails/<rev>`. */
  trail: string;
  /** Checks the container's objects and files; throws a Failure that names the file. */
  verify(): Promise<void>;
}

/** What starting needs of the device. */
export interface LaunchRoom {
  host: Pick<Host, 'files' | 'clock' | 'containers' | 'system'>;
  places: Places;
  networks: Networks;
  layout: ControlGroupLayout;
  lxcLogLevel: string;
  /** See `LxcContext`. */
  withoutProfiles: boolean;
  /** Programs of the installation for LXC's mount hook, in order. */
  mountHooks: readonly string[];
  /** Default for containers that say nothing about /dev/log. */
  devLog: boolean;
  /** Makes the sockets that a container logs to, and says where LXC writes. */
  logs: Pick<ContainerLogs, 'prepare' | 'lxcDirectory'>;
  drivers: Pick<Drivers, 'prepare'>;
  /** Mount points of a container that get other options (boot.md §9). */
  remountsOf: (container: Container) => readonly RemountRule[];
}

export interface Launched {
  running: RunningContainer;
  /** Signal that the configuration names for halting. */
  haltSignal: string | undefined;
  /** Address leased from a pool, `a.b.c.d`. */
  address: string | undefined;
}

/** Program for LXC's mount hook, beside the configuration. */
const remountName = 'remount';

/** Words of LXC for the levels 0 to 8 of PV_LXC_LOG_LEVEL (lxc.container.conf(5), lxc.log.level). */
const lxcLogLevels = ['TRACE', 'DEBUG', 'INFO', 'NOTICE', 'WARN', 'ERROR', 'CRIT', 'ALERT', 'FATAL'] as const;

/** LXC's word for a level number; numbers outside the table mean WARN. */
export function lxcLogLevel(level: number): string {
  return lxcLogLevels[level] ?? 'WARN';
}

/** Reads the LXC configuration that the state brings. @throws Failure `lxc-config-missing` */
export async function readStateConfig(files: Host['files'], { container, trail }: ContainerSource): Promise<LxcLine[]> {
  const file = `${trail}/${container.directory}/${container.config}`;
  try {
    return parseLxcConfig(await files.readText(file, 1024 * 1024));
  } catch (cause) {
    const why = cause instanceof HostError && cause.code === 'ENOENT' ? 'it is missing' : String(cause);
    throw new Failure('lxc-config-missing', `cannot read the LXC configuration ${file}: ${why}`, {
      file,
      hint: `"config" of ${container.directory}/run.json must name a file of the state`,
      cause,
    });
  }
}

/**
 * Starts a container whose volumes are mounted.
 * @throws Failure or HostError; what was prepared until then is removed by the release that follows
 */
export async function launch(room: LaunchRoom, source: ContainerSource): Promise<Launched> {
  const { host, places, networks } = room;
  const { files } = host;
  const { container, revision, trail } = source;
  const { name } = container;
  const state = await readStateConfig(files, source);
  const attachment = networks.attach(container, hasInterfaces(state));
  const logs = room.logs.lxcDirectory(revision, name);
  const [configLayer] = await together(
    layConfiguration(files, `${trail}/_config/${name}`, `${places.configs}/${name}`),
    makeDirectories(files, logs).then(() => room.logs.prepare(source)),
  );

  const directory = `${places.lxc}/${name}`;
  const remounts = room.remountsOf(container);
  const context: Omit<LxcContext, 'binds'> = {
    name,
    group: container.group,
    layout: room.layout,
    withoutProfiles: room.withoutProfiles,
    controlGroup: places.controlGroup,
    rootfsMount: places.rootfs,
    directory: `${trail}/${container.directory}`,
    relocate: statePaths.flatMap(([from, place]) => (places[place] === from ? [] : [{ from, to: places[place] }])),
    mountHooks: remounts.length === 0 ? room.mountHooks : [...room.mountHooks, `sh ${directory}/${remountName}`],
    consoleLog: `${logs}/console.log`,
    ...((container.devLog ?? room.devLog) ? { logSocket: logSocketOf(room, container) } : {}),
    ...(configLayer === undefined ? {} : { configLayer }),
    ...(attachment === undefined ? {} : { attachment }),
    ...(host.containers.initProgram === undefined ? {} : { starter: starterPath }),
  };
  const { upper, layers } = rootLayers(composeLxcConfig(state, { ...context, binds: [] }));
  if (upper !== undefined) await makeDirectories(files, upper);
  const [binds] = await together(
    hostBinds(room, source, layers),
    requireInit(files, name, splitCommand(lastValue(state, 'lxc.init.cmd') ?? '')[0] ?? '', layers),
  );
  const lines = composeLxcConfig(state, { ...context, binds });

  const configFile = `${directory}/config`;
  await makeDirectories(files, directory);
  if (remounts.length > 0) await files.write(`${directory}/${remountName}`, remountProgram(remounts), { mode: 0o700 });
  await files.write(configFile, formatLxcConfig(lines), { mode: 0o600 });
  await room.drivers.prepare(container);
  const running = await host.containers.start({
    name,
    lxcPath: places.lxc,
    configFile,
    logFile: `${logs}/lxc.log`,
    logLevel: room.lxcLogLevel,
    environment: { PATH: host.system.environment.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  return { running, haltSignal: lastValue(state, 'lxc.signal.halt'), address: attachment?.address.split('/')[0] };
}

/** Waits for both, also when one fails: what is still being prepared would otherwise meet its own removal. */
async function together<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

/** The container's own socket for syslog: on the host, and as the container sees it. A manager sees the directories of all. */
function logSocketOf({ places }: LaunchRoom, { name, mgmt }: Container): { source: string; inside: string } {
  const source = `${presenceDirectory(places, name)}/${datagramSocket}`;
  return { source, inside: `/pantavisor${mgmt ? source.slice(places.run.length) : `/${datagramSocket}`}` };
}

/** Says at once what would only show as the end of the container: there is no init to run. A name without slash is left to its PATH. */
async function requireInit(files: Host['files'], name: string, init: string, layers: readonly string[]): Promise<void> {
  if (!init.startsWith('/')) return;
  const found = await findInLayers(files, layers, init);
  if (found?.status.kind === 'file' && (found.status.mode & 0o111) !== 0) return;
  const why = found === undefined ? 'its root file system has none' : 'it is no program that can be run';
  throw new Failure('init-missing', `cannot start ${name}: its init is ${init}, and ${why}`, {
    file: found?.path ?? `${layers.at(-1) ?? ''}${init}`,
    hint: 'lxc.init.cmd of the LXC configuration must name a program of the root volume',
  });
}

async function hostBinds(
  room: LaunchRoom,
  { container, revision }: ContainerSource,
  layers: readonly string[],
): Promise<BindEntry[]> {
  const { files, system } = room.host;
  const binds = await preparePresence(files, room.places, container, revision, room.host.containers.initProgram);
  if (container.autoModulesFirmware) {
    const library = await libraryDirectory(files, layers);
    for (const path of ['firmware', `modules/${system.kernelRelease}`]) {
      const source = `/lib/${path}`;
      if ((await files.status(source, { follow: true }))?.kind === 'directory')
        binds.push({ source, target: `${library}/${path}`, kind: 'directory', readOnly: true, optional: true });
    }
  }
  return binds;
}

/** Where a container's /lib really is: LXC mounts nothing through a symbolic link, and with a merged /usr it is one. */
async function libraryDirectory(files: Host['files'], layers: readonly string[]): Promise<string> {
  for (const layer of layers) {
    const status = await files.status(`${layer}/lib`);
    if (status?.kind === 'symlink') return (await files.readLink(`${layer}/lib`)).replace(/^\/+|\/+$/g, '');
    if (status !== undefined) break;
  }
  return 'lib';
}
