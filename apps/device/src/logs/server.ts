/** The log server: both sockets of the device, the logs of its containers, and the kernel's (logs.md §1 to §4). */
import type { Places } from '../boot/places.ts';
import type { DeviceConfig } from '../config/table.ts';
import type { Host, Peer } from '../host/ports.ts';
import type { Listener } from '../host/streams.ts';
import type { Log } from '../runtime/log.ts';
import { ContainerLogs, messageLimit } from './container-logs.ts';
import { Conversation } from './conversation.ts';
import { LogDesk, type Sender } from './desk.ts';
import { captureKernelLog } from './kernel.ts';
import { kernelSettings, tellKernel } from './kernel-settings.ts';
import { type LogOutputs, ownPlatform } from './outputs.ts';
import { Positions } from './positions.ts';
import { Subscriptions } from './subscriptions.ts';

const mostConnections = 256;
const messageMode = 0o666;
/** Only the host and managers may hand over descriptors. */
const descriptorMode = 0o600;
const unknownPlatform = 'unknown-platform';

export interface LogServerRoom {
  host: Pick<Host, 'files' | 'streams' | 'clock' | 'text' | 'hashing'>;
  places: Places;
  config: () => DeviceConfig;
  outputs: LogOutputs;
  log: Log;
  /** Container of a process; undefined: nobody knows. */
  platformOf: (peer: Peer) => Promise<string | undefined>;
}

export class LogServer {
  readonly containers: ContainerLogs;
  readonly #room: LogServerRoom;
  readonly #desk: LogDesk;
  readonly #subscriptions: Subscriptions;
  readonly #listeners: Listener[] = [];
  readonly #positions: Positions;
  #endKernel: (() => void) | undefined;
  /** Beginning and ending to read the kernel's log, one after the other. */
  #kernelWork: Promise<void> = Promise.resolve();
  /** What the kernel was told last. */
  #told = '';
  #closed = false;

  constructor(room: LogServerRoom) {
    const { host, outputs, log, places } = room;
    this.#room = room;
    this.#desk = new LogDesk({ clock: host.clock, text: host.text, outputs, log });
    this.#subscriptions = new Subscriptions(this.#desk, (bytes) => host.text.decode(bytes), log);
    const path = `${places.logs}/.positions/${ownPlatform}.json`;
    this.#positions = new Positions(host.files, host.clock, path, () => outputs.written());
    this.containers = new ContainerLogs({ ...room, desk: this.#desk });
  }

  /** Opens the sockets. What cannot be had is said, and the rest works. */
  async open(): Promise<void> {
    const { host, places } = this.#room;
    const { streams } = host;
    await this.#attempt('make the socket for log messages', async () => {
      const socketPath = `${places.run}/pv-ctrl-log`;
      const open = (peer: Peer, { close }: { close(): void }) => this.#converse(peer, close);
      this.#listeners.push(await streams.listen({ socketPath, mode: messageMode, connections: mostConnections, open }));
    });
    await this.#attempt('make the socket for log descriptors', async () => {
      const socketPath = `${places.run}/pv-fd-log`;
      const open = (_peer: Peer, { close }: { close(): void }) => this.#subscriptions.connection(close);
      this.#listeners.push(
        await streams.listen({ socketPath, mode: descriptorMode, connections: mostConnections, open }),
      );
    });
    await this.follow();
  }

  /** Reads the kernel's log, or does so no more, as the configuration has it now; the kernel is told what its log has to take. */
  follow(): Promise<void> {
    this.#kernelWork = this.#kernelWork.then(async () => {
      await this.#tellKernel();
      const isWanted = !this.#closed && wantsKernelLog(this.#room.config());
      if (isWanted === (this.#endKernel !== undefined)) return;
      if (isWanted) await this.#attempt("read the kernel's log", () => this.#captureKernel());
      else await this.#endKernelLog();
    });
    return this.#kernelWork;
  }

  /** Ends everything but what is still to be written. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.follow();
    this.#subscriptions.close();
    await this.containers.close();
    for (const listener of this.#listeners.splice(0)) await listener.close();
  }

  async #tellKernel(): Promise<void> {
    const { host, config, log } = this.#room;
    const wanted = JSON.stringify(kernelSettings(config()));
    if (this.#closed || wanted === this.#told) return;
    this.#told = wanted;
    await tellKernel(host.files, config(), log);
  }

  async #endKernelLog(): Promise<void> {
    this.#endKernel?.();
    this.#endKernel = undefined;
    await this.#positions.save();
  }

  async #captureKernel(): Promise<void> {
    const { host } = this.#room;
    this.#endKernel = await captureKernelLog({
      files: host.files,
      streams: host.streams,
      positions: this.#positions,
      desk: this.#desk,
      decode: (bytes) => host.text.decode(bytes),
    });
  }

  #converse(peer: Peer, close: () => void): Conversation {
    const { host, config, platformOf } = this.#room;
    // Asked for at once: the process may end as soon as it has said what it has to say.
    const platform = platformOf(peer).catch(() => undefined);
    return new Conversation({
      clock: host.clock,
      decode: (bytes) => host.text.decode(bytes),
      limit: messageLimit(config()),
      message: async (bytes) => {
        // Containers without the role mgmt have a socket of their own: who comes here may speak for others.
        const sender: Sender = { platform: (await platform) ?? unknownPlatform, trusted: true };
        await this.#desk.hear(bytes, sender);
      },
      close,
    });
  }

  async #attempt(doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#room.log('ERROR', 'logs', `cannot ${doing}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** Not when the runtime prints to the kernel's log itself: it would read what it wrote. */
function wantsKernelLog({ PV_LOG_CAPTURE, PV_LOG_CAPTURE_DMESG, PV_LOG_SERVER_OUTPUTS }: DeviceConfig): boolean {
  const prints = PV_LOG_SERVER_OUTPUTS.some((output) => output === 'stdout' || output === 'stdout.pantavisor');
  return PV_LOG_CAPTURE && PV_LOG_CAPTURE_DMESG && !prints;
}
