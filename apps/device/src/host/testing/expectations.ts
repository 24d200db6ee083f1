/** What all conformance suites of the ports share. */
import assert from 'node:assert/strict';
import { HostError } from '../ports.ts';

/** Hard limit of one conformance test, in milliseconds. */
export const timeLimit = 60_000;

/**
 * Expects a `HostError` that a person can use: the right code, a message that starts with "cannot …" and names the path.
 * @param path that the error must carry; absent when there is none to name
 */
export async function refused(promise: Promise<unknown>, code: string, path?: string): Promise<HostError> {
  const error: unknown = await promise.then(
    (value) => assert.fail(`expected ${code}, but the call succeeded with ${JSON.stringify(value)}`),
    (reason) => reason,
  );
  assert.ok(error instanceof HostError, `expected a HostError ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, /^cannot \S+/);
  assert.notEqual(error.operation, '');
  if (path !== undefined) {
    assert.equal(error.path, path);
    assert.ok(error.message.includes(path), error.message);
  }
  return error;
}

/** A fixture for one test: made before it, taken down after it, also when it failed. */
export interface Fixture {
  dispose?(): Promise<void>;
}

/** Runs a test body on a fresh fixture, which is also taken down when the body hangs and the test's time is up. */
export function on<Made extends Fixture>(create: () => Promise<Made>, body: (made: Made) => Promise<void>) {
  return async ({ signal }: { signal: AbortSignal }) => {
    const made = await create();
    try {
      const timeUp = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      await Promise.race([body(made), timeUp]);
    } finally {
      await made.dispose?.();
    }
  };
}
