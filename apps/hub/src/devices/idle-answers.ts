import type { EventBus } from '../events/bus.ts';

export type IdleKind = 'steps' | 'user-meta';

/** So many devices are remembered. */
const most = 500_000;

/**
 * Answers that an idle device gets every few seconds, as text: "no steps" and its user metadata. Whatever changes a device
 * or its steps tells the bus, which makes us forget. An answer that was being read while its device changed is not kept.
 */
export class IdleAnswers {
  readonly #answers = new Map<string, Partial<Record<IdleKind, string>>>();
  readonly #reading = new Map<string, Set<{ stale: boolean }>>();
  readonly #bus: EventBus;

  constructor(bus: EventBus) {
    this.#bus = bus;
    bus.listen((event) => {
      if (event.kind === 'gap' || event.kind === 'owner') this.#forgetAll();
      else if (event.kind === 'step' || (event.kind === 'device' && event.what !== 'device-meta'))
        this.#forget(event.device);
    });
  }

  get(device: string, kind: IdleKind): string | undefined {
    return this.#answers.get(device)?.[kind];
  }

  /** Reads an answer and keeps it if `load` says so and nothing changed meanwhile. */
  async fill(device: string, kind: IdleKind, load: () => Promise<{ text: string; keep: boolean }>): Promise<string> {
    const reading = { stale: false };
    const all = this.#reading.get(device) ?? new Set();
    this.#reading.set(device, all.add(reading));
    try {
      const { text, keep } = await load();
      if (keep && !reading.stale && !this.#bus.deaf) this.#keep(device, kind, text);
      return text;
    } finally {
      all.delete(reading);
      if (all.size === 0) this.#reading.delete(device);
    }
  }

  #keep(device: string, kind: IdleKind, text: string): void {
    if (this.#answers.size >= most) this.#answers.delete(this.#answers.keys().next().value ?? '');
    this.#answers.set(device, { ...this.#answers.get(device), [kind]: text });
  }

  #forget(device: string): void {
    this.#answers.delete(device);
    for (const reading of this.#reading.get(device) ?? []) reading.stale = true;
  }

  #forgetAll(): void {
    this.#answers.clear();
    for (const all of this.#reading.values()) for (const reading of all) reading.stale = true;
  }
}
