/** A channel under TLS: the C host encrypts, the channel waits. */
import { bufferOffset, bufferSize, type Channel, type Kernel } from '@pantavisor/small-host';
import { HostError } from '../../ports.ts';

/** A connection of bytes in both directions. */
export interface ByteStream {
  read(timeout: number): Promise<Uint8Array | undefined>;
  write(data: Uint8Array, timeout: number): Promise<void>;
  close(): void;
}

const notTrusted = -129;

export class SecureChannel implements ByteStream {
  readonly #kernel: Kernel;
  readonly #channel: Channel;
  readonly #session: number;
  #open = true;

  private constructor(kernel: Kernel, channel: Channel, session: number) {
    this.#kernel = kernel;
    this.#channel = channel;
    this.#session = session;
  }

  /**
   * Agrees with the server on keys. Rejects with ECERT when its certificate does not lead to an authority or is not for this name.
   * @param authorities PEM; absent: those of the system
   */
  static async open(
    kernel: Kernel,
    channel: Channel,
    host: string,
    authorities: string | undefined,
    timeout: number,
  ): Promise<SecureChannel> {
    const pem = kernel.encode(authorities ?? '');
    const name = kernel.encode(host);
    if (name.length + pem.length > bufferSize) throw new HostError('EFBIG', 'read', 'the authorities');
    kernel.bytes.set(name, bufferOffset);
    kernel.bytes.set(pem, bufferOffset + name.length);
    const at = bufferOffset + name.length;
    const session = kernel.machine.tlsOpen(channel.descriptor, bufferOffset, name.length, at, pem.length);
    if (session === notTrusted) throw certificateError('there is no certificate of an authority to trust');
    const secure = new SecureChannel(kernel, channel, kernel.door(session, 'prepare TLS with', host));
    try {
      const result = await channel.repeat(() => kernel.machine.tlsHandshake(session), timeout);
      if (result === notTrusted) throw certificateError(`no trusted authority vouches that the server is ${host}`);
      kernel.door(result, 'agree on TLS with', host);
      return secure;
    } catch (error) {
      secure.close();
      throw error;
    }
  }

  async read(timeout: number): Promise<Uint8Array | undefined> {
    if (!this.#open) return undefined;
    const { machine } = this.#kernel;
    const count = await this.#channel.repeat(() => machine.tlsRead(this.#session, bufferOffset, bufferSize), timeout);
    this.#kernel.door(count, 'read from the server');
    return count === 0 ? undefined : this.#kernel.bytes.slice(bufferOffset, bufferOffset + count);
  }

  async write(data: Uint8Array, timeout: number): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const piece = data.subarray(done, done + bufferSize);
      const count = await this.#channel.repeat(() => {
        this.#kernel.bytes.set(piece, bufferOffset);
        return this.#kernel.machine.tlsWrite(this.#session, bufferOffset, piece.length);
      }, timeout);
      done += this.#kernel.door(count, 'send to the server');
    }
  }

  close(): void {
    if (this.#open) this.#kernel.machine.tlsClose(this.#session);
    this.#open = false;
    this.#channel.close();
  }
}

const certificateError = (detail: string) => new HostError('ECERT', 'trust', 'the server', detail);
