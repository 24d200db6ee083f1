/** The part of `node:assert/strict` that the conformance suites use, for the small host. */

class AssertionError extends Error {
  override name = 'AssertionError';
}

function show(value: unknown): string {
  return value instanceof Uint8Array ? `bytes ${[...value].join(' ')}` : (JSON.stringify(value) ?? String(value));
}

function same(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (left instanceof Uint8Array && right instanceof Uint8Array)
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(right, key) &&
      same((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]),
  );
}

function fail(message: string): never {
  throw new AssertionError(message);
}

const check = (holds: unknown, message: string | undefined, otherwise: string) => {
  if (!holds) fail(message ?? otherwise);
};

const assert = {
  fail,
  ok: (value: unknown, message?: string) => check(value, message, `${show(value)} is not true`),
  equal: (left: unknown, right: unknown, message?: string) =>
    check(Object.is(left, right), message, `${show(left)} is not ${show(right)}`),
  notEqual: (left: unknown, right: unknown, message?: string) =>
    check(!Object.is(left, right), message, `both are ${show(left)}`),
  deepEqual: (left: unknown, right: unknown, message?: string) =>
    check(same(left, right), message, `${show(left)} is not ${show(right)}`),
  match: (text: string, pattern: RegExp, message?: string) =>
    check(pattern.test(text), message, `${show(text)} does not match ${pattern}`),
};

// biome-ignore lint/style/noDefaultExport: it stands in for a module that has one
export default assert;
