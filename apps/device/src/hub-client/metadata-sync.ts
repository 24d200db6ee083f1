/** Metadata both ways while the Hub can be reached: what its owner says to the device, and what the device says of itself (metadata.md §3, §5). */
import { waitMs } from '@pantavisor/engine';
import { readJson } from '@pantavisor/state';
import type { DeviceConfig } from '../config/table.ts';
import type { Clock } from '../host/ports.ts';
import type { MetadataRoom } from '../metadata/room.ts';
import type { WakeLocks } from '../power/wake-locks.ts';
import type { Log } from '../runtime/log.ts';
import type { HubConnection } from './connection.ts';

export interface MetadataSyncParts {
  connection: HubConnection;
  deviceId(): string;
  config: DeviceConfig;
  clock: Clock;
  metadata: Pick<MetadataRoom, 'user' | 'device'>;
  random(): number;
  /** Keeps the device awake while it talks. */
  awake: Pick<WakeLocks, 'hold' | 'release'>;
  log: Log;
}

/** Pairs of the Hub's answer: text as it is, other values as their JSON text, `null` left out. Undefined when it is no object. */
export function readUserMetadata(text: string): [key: string, value: string][] | undefined {
  const { root, problems } = readJson(text, { buildDepth: 1 });
  if (root?.kind !== 'object' || problems.length > 0) return undefined;
  return root.members.flatMap(({ key, value }): [string, string][] => {
    if (value.kind === 'null') return [];
    return [[key, value.kind === 'string' ? value.value : text.slice(value.start, value.end)]];
  });
}

type Direction = 'user' | 'device';

/** Milliseconds between two questions for user metadata at least while the Hub tells of changes: only in case it forgets to. */
const listeningMs = 300_000;

export class MetadataSync {
  readonly #parts: MetadataSyncParts;
  readonly #waiting = new Map<Direction, () => void>();
  readonly #rounds = new Map<Direction, Promise<boolean>>();
  readonly #failures = { user: 0, device: 0 };
  readonly #unsubscribe: () => void;
  /** Changes of device metadata that somebody asked for, and how many of them the Hub knows. */
  #changes = 0;
  #cancelHold: (() => void) | undefined;
  #online = false;
  #listening = false;
  /** What the Hub was told last. */
  #lastTold = '';

  constructor(parts: MetadataSyncParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.metadata.device.subscribe(({ isAsked }) => {
      if (isAsked) this.#changed();
    });
  }

  /** Ends everything that waits. */
  close(): void {
    this.#unsubscribe();
    this.setOnline(false);
  }

  /** Both directions at once, without waiting for their time. @returns false when the Hub did not take or give what it should */
  async round(): Promise<boolean> {
    const results = await Promise.all((['user', 'device'] as const).map((direction) => this.#now(direction)));
    return results.every(Boolean);
  }

  /** The Hub can be reached, or no longer. */
  setOnline(online: boolean): void {
    if (online === this.#online) return;
    this.#online = online;
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
    if (online) for (const direction of ['user', 'device'] as const) this.#soon(direction, 0);
    else this.#told();
  }

  /** The Hub tells when user metadata has changed, or no longer does. */
  setListening(listening: boolean): void {
    if (listening === this.#listening) return;
    this.#listening = listening;
    this.fetch();
  }

  /** Asks for user metadata at once, as far as the Hub can be reached. */
  fetch(): void {
    if (this.#online) void this.#now('user');
  }

  #soon(direction: Direction, ms: number): void {
    const cancel = this.#parts.clock.after(ms, () => {
      this.#waiting.delete(direction);
      void this.#begin(direction);
    });
    this.#waiting.set(direction, cancel);
  }

  /** A round that begins now, after the one that is under way: that one may have read what has changed since. */
  async #now(direction: Direction): Promise<boolean> {
    await this.#rounds.get(direction);
    this.#waiting.get(direction)?.();
    this.#waiting.delete(direction);
    return this.#rounds.get(direction) ?? this.#begin(direction);
  }

  #begin(direction: Direction): Promise<boolean> {
    const round = this.#round(direction).finally(() => this.#rounds.delete(direction));
    this.#rounds.set(direction, round);
    return round;
  }

  async #round(direction: Direction): Promise<boolean> {
    const { config, random, log } = this.#parts;
    try {
      await (direction === 'user' ? this.#receive() : this.#send());
      this.#failures[direction] = 0;
    } catch (error) {
      this.#failures[direction] += 1;
      log('DEBUG', 'hub', error instanceof Error ? error.message : String(error));
    }
    const seconds = direction === 'user' ? config.PH_METADATA_USRMETA_INTERVAL : config.PH_METADATA_DEVMETA_INTERVAL;
    const shortest = direction === 'user' && this.#listening ? listeningMs : 1000;
    const every = Math.max(shortest, seconds * 1000);
    if (this.#online) this.#soon(direction, waitMs(every, this.#failures[direction], random()));
    return this.#failures[direction] === 0;
  }

  /** Somebody has changed device metadata: the device stays awake until the Hub knows, or will not, or has had its time. */
  #changed(): void {
    const { clock, config, awake } = this.#parts;
    this.#changes += 1;
    if (!this.#online) return;
    awake.hold('devmeta');
    this.#cancelHold ??= clock.after(config.PV_POWER_DEVMETA_MAX_HELD * 1000, () => this.#told());
    if (config.PV_POWER_DEVMETA_EAGER_PUSH) void this.#now('device');
  }

  #told(): void {
    this.#cancelHold?.();
    this.#cancelHold = undefined;
    this.#parts.awake.release('devmeta');
  }

  async #receive(): Promise<void> {
    const { connection, deviceId, metadata, awake } = this.#parts;
    const path = `/devices/${deviceId()}/user-meta`;
    awake.hold('usrmeta');
    const { text } = await connection
      .ask({ what: 'ask for user metadata', method: 'GET', path })
      .finally(() => awake.release('usrmeta'));
    const pairs = readUserMetadata(text);
    if (pairs === undefined) throw new Error('cannot read the user metadata of the Hub: no JSON object');
    if (this.#online) await metadata.user.replace(pairs);
  }

  /** Only what has changed: most devices have nothing new to say. */
  async #send(): Promise<void> {
    const { connection, deviceId, metadata } = this.#parts;
    const [json, changes] = [metadata.device.json(), this.#changes];
    try {
      if (json !== this.#lastTold) {
        const path = `/devices/${deviceId()}/device-meta`;
        await connection.ask({ what: 'send device metadata', method: 'PUT', path, json });
        this.#lastTold = json;
      }
    } catch (error) {
      this.#told();
      throw error;
    }
    if (changes === this.#changes) this.#told();
  }
}
