import type { LogEntry, Progress } from '@pantavisor/hub-api';
import { prnOf } from '../names/ids.ts';

/** What happened, as the rooms of the hub tell each other; `owner` decides who may hear of it. */
export type BusEvent =
  | {
      kind: 'device';
      what: 'created' | 'claimed' | 'changed' | 'device-meta' | 'user-meta' | 'removed';
      device: string;
      owner: string;
    }
  | {
      kind: 'step';
      what: 'created' | 'progress' | 'state' | 'meta' | 'cancelled';
      device: string;
      owner: string;
      rev: number;
      progress?: Progress;
    }
  | { kind: 'log'; device: string; owner: string; first: number; last: number; entries?: LogEntry[] }
  /** tokens of this account, device or grant must be checked anew */
  | { kind: 'revoked'; prn: string }
  /** something that concerns all devices of an owner */
  | { kind: 'owner'; owner: string }
  /** another replica may have said something that was not heard: forget what is remembered */
  | { kind: 'gap' }
  /** the hub stops: streams end */
  | { kind: 'stopping' };

type Listener = (event: BusEvent) => void;

/** Carries events to other replicas of the hub. */
export interface Relay {
  send(event: BusEvent): void;
  close(): Promise<void>;
}

/** What a listener wants to hear of: things of one owner or of one device, by their PRN, and what concerns everybody. */
export interface Interest {
  owner?: string;
  device?: string;
}

/**
 * Tells everybody in this process, and through a relay the other replicas. A listener must not throw. Listeners with an interest are found
 * by it: with a whole fleet on the line, an event of one device must not be offered to all others.
 */
export class EventBus {
  readonly #listeners = new Set<Listener>();
  readonly #interested = new Map<string, Set<Listener>>();
  #relay: Relay | undefined;
  /** other replicas cannot be heard at the moment: nothing may be remembered */
  deaf = false;

  /** @returns the way to stop listening */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As `listen`, but hears only what is about this owner or device, or about everybody. */
  listenTo({ owner, device }: Interest, listener: Listener): () => void {
    const keys = [owner, device].filter((key) => key !== undefined);
    for (const key of keys) this.#interested.set(key, (this.#interested.get(key) ?? new Set()).add(listener));
    return () => {
      for (const key of keys) {
        const all = this.#interested.get(key);
        all?.delete(listener);
        if (all?.size === 0) this.#interested.delete(key);
      }
    };
  }

  setRelay(relay: Relay): void {
    this.#relay = relay;
  }

  /** Tells here and elsewhere. Call it after the commit. */
  tell(event: BusEvent): void {
    this.tellHere(event);
    this.#relay?.send(event);
  }

  /** Tells only in this process: for what arrives from the relay. */
  tellHere(event: BusEvent): void {
    for (const listener of [...this.#listeners, ...this.#concerned(event)]) listener(event);
  }

  #concerned(event: BusEvent): Set<Listener> {
    const keys: Iterable<string> = keysOf(event) ?? this.#interested.keys();
    const found = new Set<Listener>();
    for (const key of keys) for (const listener of this.#interested.get(key) ?? []) found.add(listener);
    return found;
  }

  get listeners(): number {
    return this.#listeners.size + new Set([...this.#interested.values()].flatMap((all) => [...all])).size;
  }

  async close(): Promise<void> {
    await this.#relay?.close();
    this.#listeners.clear();
    this.#interested.clear();
  }
}

/** Owners and devices that an event is about; undefined when it concerns everybody. */
function keysOf(event: BusEvent): string[] | undefined {
  switch (event.kind) {
    case 'device':
    case 'step':
    case 'log':
      return [event.owner, prnOf.device(event.device)];
    case 'revoked':
      return [event.prn];
    case 'owner':
      return [event.owner];
    default:
      return undefined;
  }
}
