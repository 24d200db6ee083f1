import type { Writer } from '../db/writer.ts';

/** A device that listens asks for steps once a minute; so long after that it counts as gone, milliseconds. */
const patience = 90_000;

/** When and from where devices were last heard, written to the database every few seconds in one commit. */
export class Presence {
  readonly #writer: Writer;
  readonly #clock: () => number;
  readonly #listening = new Map<string, { streams: number; heard: number }>();
  #heard = new Map<string, { seen: number; address: string }>();

  constructor(writer: Writer, clock: () => number) {
    this.#writer = writer;
    this.#clock = clock;
  }

  /**
   * The device keeps a stream of events open. While it also says something now and then it counts as heard all the time: that a connection
   * is open proves nothing, its other end may have lost power.
   * @returns the way to say that the stream has ended
   */
  listen(device: string, address: string): () => void {
    const now = this.#clock();
    const known = this.#listening.get(device) ?? { streams: 0, heard: now };
    known.streams += 1;
    this.#listening.set(device, known);
    this.note(device, now, address);
    return () => {
      known.streams -= 1;
      if (known.streams === 0 && this.#listening.get(device) === known) this.#listening.delete(device);
    };
  }

  note(device: string, seen: number, address: string): void {
    const listening = this.#listening.get(device);
    if (listening !== undefined) listening.heard = seen;
    const known = this.#heard.get(device);
    if (known === undefined) this.#heard.set(device, { seen, address });
    else {
      known.seen = seen;
      known.address = address;
    }
  }

  /** Newest time a device was heard, as far as it is in memory: it is not written yet, or the device is listening. */
  seen(device: string): number | undefined {
    const listening = this.#listening.get(device);
    const now = this.#clock();
    if (listening !== undefined && now - listening.heard < patience) return now;
    return this.#heard.get(device)?.seen;
  }

  async flush(): Promise<void> {
    const heard = this.#heard;
    if (heard.size === 0) return;
    this.#heard = new Map();
    const chunk = 500;
    const all = [...heard];
    for (let index = 0; index < all.length; index += chunk)
      await this.#writer.write(async (tx) => {
        for (const [id, { seen, address }] of all.slice(index, index + chunk))
          await tx.updateTable('devices').set({ seen, address }).where('id', '=', id).execute();
      });
  }
}
