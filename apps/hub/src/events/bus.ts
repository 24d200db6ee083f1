import type { LogEntry, Progress } from '@pantavisor/hub-api';

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

/** Tells everybody in this process, and through a relay the other replicas. A listener must not throw. */
export class EventBus {
  readonly #listeners = new Set<Listener>();
  #relay: Relay | undefined;
  /** other replicas cannot be heard at the moment: nothing may be remembered */
  deaf = false;

  /** @returns the way to stop listening */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
    for (const listener of [...this.#listeners]) listener(event);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  async close(): Promise<void> {
    await this.#relay?.close();
    this.#listeners.clear();
  }
}
