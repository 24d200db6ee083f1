/** A program with a fault on demand, for the tests of debugging. */
import { createSmallHost } from '../index.ts';

const { system, files } = createSmallHost();

async function fail(): Promise<void> {
  await files.readText('/proc/version');
  throw new RangeError('asked for');
}

if (system.arguments[0] === 'fail') {
  let failure: unknown;
  const { turn } = machine;
  fail().catch((error: unknown) => {
    failure = error;
  });
  machine.turn = () => {
    if (failure !== undefined) throw failure;
    turn?.();
  };
} else {
  system.onSignal('SIGTERM', () => system.exit(0));
  system.print('stdout', 'waiting\n');
}
