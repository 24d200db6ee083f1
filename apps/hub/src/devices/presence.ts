import type { Writer } from '../db/writer.ts';

/** When and from where devices were last heard, written to the database every few seconds in one commit. */
export class Presence {
  readonly #writer: Writer;
  #heard = new Map<string, { seen: number; address: string }>();

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  note(device: string, seen: number, address: string): void {
    const known = this.#heard.get(device);
    if (known === undefined) this.#heard.set(device, { seen, address });
    else {
      known.seen = seen;
      known.address = address;
    }
  }

  /** Newest time a device was heard that is not written yet. */
  seen(device: string): number | undefined {
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
