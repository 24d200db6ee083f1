/** Preloaded into a program under test (`--import`): its wall clock is ahead or behind by what a file says, in milliseconds, which may change. */
import { readFileSync } from 'node:fs';

const file = process.env.TEST_CLOCK_FILE ?? '';
const True = Date;
let shift = 0;

function look(): void {
  try {
    shift = Number(readFileSync(file, 'utf8'));
  } catch {
    // Without a file the clock is right.
    shift = 0;
  }
}

if (file !== '') {
  look();
  setInterval(look, 20).unref();
  const now = () => True.now() + shift;
  globalThis.Date = new Proxy(True, {
    apply: () => new True(now()).toString(),
    construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  });
}
