import { randomBytes } from 'node:crypto';

/** Makes object ids as the original does: 4 bytes of seconds, 5 random bytes a process, a 3-byte counter (hub-api §2). */
export class IdSource {
  readonly #process = randomBytes(5);
  #counter = randomBytes(3).readUIntBE(0, 3);

  /** @param now milliseconds since 1970 @returns 24 lower-case hex digits, ascending within a process */
  next(now: number): string {
    const id = Buffer.alloc(12);
    id.writeUInt32BE(Math.floor(now / 1000) >>> 0, 0);
    this.#process.copy(id, 4);
    this.#counter = (this.#counter + 1) & 0xffffff;
    id.writeUIntBE(this.#counter, 9, 3);
    return id.toString('hex');
  }
}

export const isHexId = (text: string): boolean => /^[0-9a-f]{24}$/.test(text);
export const isSha = (text: unknown): text is string => typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);

/** Id of a PRN: everything after the first `/`, empty when there is none. */
export function idOfPrn(prn: string): string {
  const slash = prn.indexOf('/');
  return slash < 0 ? '' : prn.slice(slash + 1);
}

export const prnOf = {
  account: (id: string) => `prn:::accounts:/${id}`,
  session: (id: string) => `prn:::sessions:/${id}`,
  device: (id: string) => `prn:::devices:/${id}`,
  joinToken: (id: string) => `prn:::devices-tokens:/${id}`,
  accessToken: (id: string) => `prn:::auth-tokens:/${id}`,
  app: (slug: string) => `prn:pantahub.com:apis:/${slug}`,
  builtIn: (nick: string) => `prn:pantahub.com:auth:/${nick}`,
  subscription: (id: string) => `prn::subscriptions:/${id}`,
};
