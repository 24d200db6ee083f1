/** Metadata both ways while the Hub can be reached: what its owner says to the device, and what the device says of itself (metadata.md §3, §5). */
import { waitMs } from '@pantavisor/engine';
import { readJson } from '@pantavisor/state';
import type { DeviceConfig } from '../config/table.ts';
import type { Clock } from '../host/ports.ts';
import type { MetadataRoom } from '../metadata/room.ts';
import type { Log } from '../runtime/log.ts';
import type { HubConnection } from './connection.ts';

export interface MetadataSyncParts {
  connection: HubConnection;
  deviceId(): string;
  config: DeviceConfig;
  clock: Clock;
  metadata: Pick<MetadataRoom, 'user' | 'device'>;
  random(): number;
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

export class MetadataSync {
  readonly #parts: MetadataSyncParts;
  readonly #waiting = new Map<Direction, () => void>();
  readonly #failures = { user: 0, device: 0 };
  #online = false;
  /** What the Hub was told last. */
  #told = '';

  constructor(parts: MetadataSyncParts) {
    this.#parts = parts;
  }

  /** The Hub can be reached, or no longer. */
  setOnline(online: boolean): void {
    if (online === this.#online) return;
    this.#online = online;
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
    if (online) for (const direction of ['user', 'device'] as const) this.#soon(direction, 0);
  }

  #soon(direction: Direction, ms: number): void {
    const cancel = this.#parts.clock.after(ms, () => void this.#round(direction));
    this.#waiting.set(direction, cancel);
  }

  async #round(direction: Direction): Promise<void> {
    const { config, random, log } = this.#parts;
    try {
      await (direction === 'user' ? this.#fetch() : this.#send());
      this.#failures[direction] = 0;
    } catch (error) {
      this.#failures[direction] += 1;
      log('DEBUG', 'hub', error instanceof Error ? error.message : String(error));
    }
    const seconds = direction === 'user' ? config.PH_METADATA_USRMETA_INTERVAL : config.PH_METADATA_DEVMETA_INTERVAL;
    if (this.#online) this.#soon(direction, waitMs(Math.max(1, seconds) * 1000, this.#failures[direction], random()));
  }

  async #fetch(): Promise<void> {
    const { connection, deviceId, metadata } = this.#parts;
    const path = `/devices/${deviceId()}/user-meta`;
    const { text } = await connection.ask({ what: 'ask for user metadata', method: 'GET', path });
    const pairs = readUserMetadata(text);
    if (pairs === undefined) throw new Error('cannot read the user metadata of the Hub: no JSON object');
    if (this.#online) await metadata.user.replace(pairs);
  }

  /** Only what has changed: most devices have nothing new to say. */
  async #send(): Promise<void> {
    const { connection, deviceId, metadata } = this.#parts;
    const json = metadata.device.json();
    if (json === this.#told) return;
    const path = `/devices/${deviceId()}/device-meta`;
    await connection.ask({ what: 'send device metadata', method: 'PUT', path, json });
    this.#told = json;
  }
}
