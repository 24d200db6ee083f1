import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { Failure } from '../http/failure.ts';

/**
 * Lets bytes through while counting and hashing them, and holds the last piece back until all of them were right: whoever
 * reads the other end never sees the end of a wrong content.
 */
export class VerifiedContent extends Transform {
  readonly #hash = createHash('sha256');
  readonly #expected: { size: number; sha: string };
  #count = 0;
  #held: Buffer | undefined;

  constructor(expected: { size: number; sha: string }) {
    super({ highWaterMark: 1024 * 1024 });
    this.#expected = expected;
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#count += piece.length;
    if (this.#count > this.#expected.size) {
      done(this.#wrong(`more than ${this.#expected.size} bytes came`));
      return;
    }
    this.#hash.update(piece);
    if (this.#held !== undefined) this.push(this.#held);
    this.#held = piece;
    done();
  }

  override _flush(done: TransformCallback): void {
    const problem = this.#problem();
    if (problem === undefined && this.#held !== undefined) this.push(this.#held);
    done(problem);
  }

  #problem(): Failure | undefined {
    const { size, sha } = this.#expected;
    if (this.#count !== size) return this.#wrong(`${this.#count} of ${size} bytes came`);
    const found = this.#hash.digest('hex');
    return found === sha ? undefined : this.#wrong(`its SHA-256 is ${found}, announced was ${sha}`);
  }

  #wrong(why: string): Failure {
    return new Failure('wrong-content', `cannot store the object: ${why}`);
  }
}
