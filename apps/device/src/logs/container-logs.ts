/** What belongs to the logs of one container: its sockets, the files it writes, what LXC writes about it (logs.md §4). */
import type { Places } from '../boot/places.ts';
import type { DeviceConfig } from '../config/table.ts';
import type { ContainerSource } from '../containers/launch.ts';
import { presenceDirectory } from '../containers/presence.ts';
import type { Host, RunningContainer } from '../host/ports.ts';
import type { FollowedFile, Listener } from '../host/streams.ts';
import type { Log } from '../runtime/log.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { Conversation } from './conversation.ts';
import type { LogDesk } from './desk.ts';
import { FileTail } from './follow.ts';
import { type LogOutputs, lxcSources } from './outputs.ts';
import { Positions } from './positions.ts';

/** Name of the socket for datagrams in the container's directory: what /dev/log leads to. */
export const datagramSocket = '.log';
const streamSocket = 'pv-ctrl-log';
/** Every process of a container may log. */
const socketMode = 0o666;
const mostConnections = 256;
const infoLevel = 3;
/** Milliseconds to read what an ended container has left. */
const endPatience = 3000;

export interface ContainerLogsRoom {
  host: Pick<Host, 'files' | 'streams' | 'clock' | 'text' | 'hashing'>;
  places: Places;
  config: () => DeviceConfig;
  desk: LogDesk;
  outputs: LogOutputs;
  log: Log;
}

interface Attended {
  listeners: Listener[];
  socketPaths: string[];
  tails: FileTail[];
  positions: Positions;
}

export class ContainerLogs {
  readonly #room: ContainerLogsRoom;
  readonly #attended = new Map<string, Attended>();
  #sockets = 0;

  constructor(room: ContainerLogsRoom) {
    this.#room = room;
  }

  /**
   * Makes the sockets of a container, which tell for certain who sends: a process that says one thing and ends is gone before anybody
   * could look who it was. Sockets of an earlier runtime are replaced under the same name.
   */
  async prepare({ container }: Pick<ContainerSource, 'container'>): Promise<void> {
    const { name, mgmt } = container;
    const { places, host, desk, config } = this.#room;
    const attended = this.#of(name);
    if (attended.listeners.length > 0) return;
    const directory = presenceDirectory(places, name);
    const sender = { platform: name, trusted: false };
    await this.#attempt(`make the log sockets of ${name}`, async () => {
      await makeDirectories(host.files, directory);
      await this.#listen(attended, `${directory}/${datagramSocket}`, (socketPath) =>
        host.streams.datagrams({ socketPath, mode: socketMode, take: (bytes) => desk.hear(bytes, sender) }),
      );
      // A manager sees the socket of the whole device.
      if (mgmt) return;
      const open = (_peer: unknown, { close }: { close(): void }) =>
        new Conversation({
          clock: host.clock,
          decode: (bytes) => host.text.decode(bytes),
          limit: messageLimit(config()),
          message: (bytes) => desk.hear(bytes, sender),
          close,
        });
      await this.#listen(attended, `${directory}/${streamSocket}`, (socketPath) =>
        host.streams.listen({ socketPath, mode: socketMode, connections: mostConnections, open }),
      );
    });
  }

  /** Directory that LXC writes console.log and lxc.log to: where they are to be found, or aside when nobody wants files. */
  lxcDirectory(revision: string, name: string): string {
    const { places, outputs } = this.#room;
    return outputs.isTree ? `${places.logs}/${revision}/${name}/lxc` : `${places.base}/lxc-logs/${name}`;
  }

  /** The container runs: follows its files. */
  async started({ container, revision }: ContainerSource, running: RunningContainer): Promise<void> {
    const { name } = container;
    const { config, desk } = this.#room;
    const attended = this.#of(name);
    if (config().PV_LOG_LOGGERS)
      for (const { file, truncate, maxSize } of container.logs) {
        await this.#follow(attended, {
          name: file,
          root: `/proc/${running.initPid}/root`,
          path: file.startsWith('/') ? file : `/${file}`,
          lines: (data) => desk.put({ protocol: 'legacy', level: infoLevel, source: file, data }, name),
          ...(truncate ? { afterwards: (found: FollowedFile) => this.#cut(found, maxSize) } : {}),
        });
      }
    if (config().PV_LOG_CAPTURE)
      for (const source of lxcSources)
        await this.#followLxc(attended, name, source, this.lxcDirectory(revision, name) + source.slice('lxc'.length));
  }

  /** The container has ended: reads what is left, and lets go of everything that is its. */
  async ending(name: string): Promise<void> {
    const attended = this.#attended.get(name);
    if (attended === undefined) return;
    this.#attended.delete(name);
    const { files } = this.#room.host;
    await this.#attempt(`end the logs of ${name}`, async () => {
      await this.#patiently(Promise.all(attended.tails.map((tail) => tail.close())));
      await attended.positions.save();
      await Promise.all(attended.listeners.map((listener) => listener.close()));
      for (const path of attended.socketPaths) if ((await files.status(path)) !== undefined) await files.unlink(path);
    });
  }

  /** Ends the logs of all containers; the containers go on. */
  async close(): Promise<void> {
    await Promise.all([...this.#attended.keys()].map((name) => this.ending(name)));
  }

  /** A disk that takes nothing any more must not keep a container from coming to its end. */
  #patiently(work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#room.host.clock.after(endPatience, resolve);
      const done = () => {
        cancel();
        resolve();
      };
      work.then(done, done);
    });
  }

  /** Empties a file that is too large, once what was read of it is safe. */
  async #cut(file: FollowedFile, maxSize: number): Promise<'emptied' | undefined> {
    if ((await file.size()) < maxSize) return undefined;
    await this.#room.outputs.written();
    await file.truncate();
    return 'emptied';
  }

  async #followLxc(attended: Attended, name: string, source: string, path: string): Promise<void> {
    const { desk, outputs } = this.#room;
    await this.#follow(attended, {
      name: source,
      root: '/',
      path,
      lines: (data) =>
        outputs.wantsLxc ? desk.put({ protocol: 'stream', level: infoLevel, source, data }, name) : undefined,
      afterwards: async (file) => {
        const size = await file.size();
        // LXC keeps the file open; where nobody wants it, what was read can go.
        if (!outputs.isTree) return this.#cut(file, lxcSpool);
        outputs.keeper.observer?.changed(path);
        if (size < (await outputs.keeper.limits()).rotate) return undefined;
        await outputs.keeper.rotate(path, 'copy');
        return 'emptied';
      },
    });
  }

  async #follow(
    attended: Attended,
    request: Omit<
      ConstructorParameters<typeof FileTail>[0],
      'streams' | 'positions' | 'hashing' | 'clock' | 'fromStart'
    >,
  ): Promise<void> {
    const { host } = this.#room;
    await this.#attempt(`follow ${request.path}`, async () => {
      const { positions } = attended;
      const tail = new FileTail({
        ...request,
        streams: host.streams,
        hashing: host.hashing,
        clock: host.clock,
        positions,
        fromStart: true,
      });
      attended.tails.push(tail);
      await tail.open();
    });
  }

  /** Made under a short name, since a socket's address holds 108 bytes, and put in place when it listens. */
  async #listen(attended: Attended, path: string, make: (socketPath: string) => Promise<Listener>): Promise<void> {
    this.#sockets += 1;
    const socketPath = `${this.#room.places.run}/.log-${this.#sockets}`;
    attended.listeners.push(await make(socketPath));
    attended.socketPaths.push(path);
    await this.#room.host.files.rename(socketPath, path);
  }

  #of(name: string): Attended {
    const known = this.#attended.get(name);
    if (known !== undefined) return known;
    const { host, places, outputs } = this.#room;
    const path = `${places.logs}/.positions/${name}.json`;
    const positions = new Positions(host.files, host.clock, path, () => outputs.written());
    const attended: Attended = { listeners: [], socketPaths: [], tails: [], positions };
    this.#attended.set(name, attended);
    return attended;
  }

  async #attempt(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#room.log('ERROR', 'logs', `cannot ${doing}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** Bytes that LXC's files may have when they are only read and not kept. */
const lxcSpool = 64 * 1024;

/** Longest message of a socket: twice the buffer (logs.md §1). */
export function messageLimit({ PV_LOG_BUF_NITEMS }: Pick<DeviceConfig, 'PV_LOG_BUF_NITEMS'>): number {
  return Math.max(1, PV_LOG_BUF_NITEMS) * 2 * 1024;
}
