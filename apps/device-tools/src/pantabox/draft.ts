/** A revision that is being made of the running one: files changed, parts added and removed, all in one transaction of pvtx. */

import { Failure } from '@pantavisor/cli/portable';
import { joined } from '@pantavisor/ctrl-api/portable';
import { fittingMessage } from '../commit-message.ts';
import type { PantaboxHost } from '../host/terminal-ports.ts';
import { readMembers, readState, writeState } from '../pvtx/state-text.ts';
import { Transaction } from '../pvtx/transaction.ts';
import type { Device } from './device.ts';
import { compact, laidOut } from './parts.ts';

/** Longest file that is edited here, bytes. */
const editLimit = 1024 * 1024;

export class Draft {
  readonly transaction: Transaction;
  readonly #host: PantaboxHost;
  readonly #device: Device;

  private constructor(host: PantaboxHost, device: Device, transaction: Transaction) {
    this.#host = host;
    this.#device = device;
    this.transaction = transaction;
  }

  /**
   * Begins with the state of a revision; the transaction of pvtx that somebody may have going on is another one.
   * @param base a revision; default the running one
   */
  static async begin(host: PantaboxHost, device: Device, base = 'current'): Promise<Draft> {
    const folder = `${host.environment.TMPDIR || '/tmp'}/pantabox-${host.pid}`;
    await host.files.remove(folder);
    // pvtx finds its socket by itself; it has to be that of this device.
    const environment = { ...host.environment, PV_CTRL_SOCKET: device.client.socketPath };
    const transaction = new Transaction({ ...host, environment }, folder, { attempts: 1 });
    const state = await device.client.step(base);
    await host.files.makeDirectory(folder, 0o700);
    await host.files.replace(`${folder}/base`, state, 0o600);
    await transaction.begin(`${folder}/base`);
    return new Draft(host, device, transaction);
  }

  state(): Promise<string> {
    return this.transaction.show();
  }

  /** Text of a member: that of its object, or its JSON. Undefined when there is none. @throws Failure when it is no text */
  async read(key: string): Promise<string | undefined> {
    const member = readState(await this.state()).find((each) => each.key === key);
    if (member === undefined) return undefined;
    const [, sha256] = /^"([0-9a-f]{64})"$/.exec(member.value) ?? [];
    if (sha256 === undefined) return laidOut(member.value);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of await this.#device.client.getObject(sha256)) {
      size += piece.length;
      if (size > editLimit) throw notText(key, `it has more than ${editLimit} bytes`);
      pieces.push(piece);
    }
    const text = this.#host.transport.decode(joined(pieces));
    if (text.includes('\0') || text.includes('\ufffd')) throw notText(key, 'it is no text in UTF-8');
    return text;
  }

  /**
   * Sets a member: a key that ends with `.json` is JSON in the state itself, everything else an object on the device (pvr.md §3).
   * @throws Failure when a `.json` is none
   */
  async write(key: string, content: string | Uint8Array): Promise<void> {
    const { transport, sha256 } = this.#host;
    let value: string;
    if (key.endsWith('.json')) {
      const text = typeof content === 'string' ? content : transport.decode(content);
      try {
        JSON.parse(text);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Failure('not-json', `cannot save ${key}: it is no JSON: ${why}`, { hint: 'mend it and save again' });
      }
      value = compact(text);
    } else {
      const bytes = typeof content === 'string' ? transport.encode(content) : content;
      const hash = sha256();
      hash.update(bytes);
      const id = hash.hex();
      await this.#device.client.putObject(id, bytes);
      value = `"${id}"`;
    }
    await this.transaction.edit((state) => {
      const members = readState(state).filter((member) => member.key !== key);
      return ordered([...members, { key, name: JSON.stringify(key), value }]);
    });
  }

  async remove(key: string): Promise<void> {
    await this.transaction.edit((state) => ordered(readState(state).filter((member) => member.key !== key)));
  }

  /** Stores it as a local revision; its name. The draft is over then. */
  async commit(message = '', name?: string): Promise<string> {
    const revision = await this.transaction.commit(name ?? `locals/pbox-${Math.floor(Date.now() / 1000)}`);
    if (message !== '')
      await this.#device.client.setStepMessage(revision, fittingMessage(message, this.#host.transport.encode));
    await this.discard();
    return revision;
  }

  discard(): Promise<void> {
    return this.#host.files.remove(this.transaction.folder);
  }
}

const ordered = (members: Parameters<typeof writeState>[0]): string => {
  // Reading once more brings them into the order that states have.
  return writeState(readState(writeState(members)));
};

/** Whether two states say the same, whatever their blanks and their order. */
export function isSameState(left: string, right: string): boolean {
  const plain = (text: string) =>
    readMembers(text)
      .map(({ key, value }) => `${JSON.stringify(key)}:${compact(value)}`)
      .sort()
      .join(',');
  return plain(left) === plain(right);
}

function notText(key: string, why: string): Failure {
  return new Failure('not-text', `cannot edit ${key}: ${why}`, {
    hint: 'replace it as a whole: pantabox edit-config CONTAINER PATH --from FILE',
  });
}
