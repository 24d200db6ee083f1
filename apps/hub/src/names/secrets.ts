import { argon2, createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Failure } from '../http/failure.ts';

const deriveKey = promisify(argon2);
export interface PasswordCost {
  /** KiB */
  memory: number;
  passes: number;
}

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. */
const recommended: PasswordCost = { memory: 19_456, passes: 2 };
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A random text of lower-case letters and digits. */
export function randomText(length: number, letters = alphabet): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
}

/** Digest for secrets that the hub drew itself: they have so much entropy that a slow hash would add nothing. */
export function digestSecret(secret: string): string {
  const salt = randomBytes(12).toString('base64url');
  return `sha256$${salt}$${createHash('sha256').update(`${salt}$${secret}`).digest('base64url')}`;
}

/** Compares two texts in a time that depends only on their lengths. */
export function equalSecrets(a: string, b: string): boolean {
  const x = createHash('sha256').update(a).digest();
  return timingSafeEqual(x, createHash('sha256').update(b).digest());
}

/**
 * Hashes passwords with argon2id (RFC 9106), a few at a time: each takes a core and 19 MiB for tens of milliseconds, and
 * a storm of logins must not starve everything else.
 */
export class PasswordHasher {
  readonly #parallel: number;
  readonly #longestQueue: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #cost: PasswordCost;

  /** @param cost of new hashes; those that exist keep theirs */
  constructor(parallel: number, longestQueue: number, cost: PasswordCost = recommended) {
    this.#cost = cost;
    this.#parallel = parallel;
    this.#longestQueue = longestQueue;
  }

  /** @returns `argon2id$m=<KiB>,t=<passes>$<salt>$<tag>` @throws Failure overloaded */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    const tag = await this.#derive(password, salt, this.#cost);
    const { memory, passes } = this.#cost;
    return `argon2id$m=${memory},t=${passes}$${salt.toString('base64url')}$${tag.toString('base64url')}`;
  }

  /** Whether a password or secret fits what {@link hash} or {@link digestSecret} made. @throws Failure overloaded */
  async fits(password: string, stored: string): Promise<boolean> {
    const [scheme, salt = '', tag = ''] = stored.split('$');
    if (scheme === 'sha256')
      return equalSecrets(createHash('sha256').update(`${salt}$${password}`).digest('base64url'), tag);
    // The first hashes did not name their cost, which was the recommended one.
    const named = /^argon2id\$m=(\d+),t=(\d+)\$([\w-]+)\$([\w-]+)$/.exec(stored);
    if (scheme !== 'argon2id') return false;
    const cost = named === null ? recommended : { memory: Number(named[1]), passes: Number(named[2]) };
    const derived = await this.#derive(password, Buffer.from(named?.[3] ?? salt, 'base64url'), cost);
    return timingSafeEqual(derived, Buffer.from(named?.[4] ?? tag, 'base64url'));
  }

  async #derive(password: string, nonce: Buffer, cost: PasswordCost): Promise<Buffer> {
    if (this.#running >= this.#parallel) {
      if (this.#waiting.length >= this.#longestQueue)
        throw new Failure('overloaded', 'cannot check the password now: too many logins at once', {
          headers: { 'retry-after': '5' },
        });
      await new Promise<void>((resume) => this.#waiting.push(resume));
    } else this.#running += 1;
    try {
      return await deriveKey('argon2id', {
        ...{ message: Buffer.from(password), nonce, parallelism: 1, tagLength: 32 },
        ...cost,
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
