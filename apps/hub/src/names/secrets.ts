import { argon2, createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Failure } from '../http/failure.ts';

const deriveKey = promisify(argon2);
/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 };
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

  constructor(parallel: number, longestQueue: number) {
    this.#parallel = parallel;
    this.#longestQueue = longestQueue;
  }

  /** @returns `argon2id$<salt>$<tag>` @throws Failure overloaded */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    const tag = await this.#derive(password, salt);
    return `argon2id$${salt.toString('base64url')}$${tag.toString('base64url')}`;
  }

  /** Whether a password or secret fits what {@link hash} or {@link digestSecret} made. @throws Failure overloaded */
  async fits(password: string, stored: string): Promise<boolean> {
    const [scheme, salt = '', tag = ''] = stored.split('$');
    if (scheme === 'sha256')
      return equalSecrets(createHash('sha256').update(`${salt}$${password}`).digest('base64url'), tag);
    if (scheme !== 'argon2id') return false;
    const derived = await this.#derive(password, Buffer.from(salt, 'base64url'));
    return timingSafeEqual(derived, Buffer.from(tag, 'base64url'));
  }

  async #derive(password: string, nonce: Buffer): Promise<Buffer> {
    if (this.#running >= this.#parallel) {
      if (this.#waiting.length >= this.#longestQueue)
        throw new Failure('overloaded', 'cannot check the password now: too many logins at once', {
          headers: { 'retry-after': '5' },
        });
      await new Promise<void>((resume) => this.#waiting.push(resume));
    } else this.#running += 1;
    try {
      return await deriveKey('argon2id', { message: Buffer.from(password), nonce, ...cost });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
