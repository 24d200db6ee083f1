/** The program that bench/small-host.ts times: reads the state of a file several times and prints the best time in milliseconds. */
import { parseState } from '@pantavisor/state';
import { createSmallHost } from '../index.ts';

const rounds = 5;
const { system, files, clock } = createSmallHost();

files.readText(system.arguments[0] ?? '').then((text) => {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const begin = clock.monotonic();
    parseState(text, { initMode: 'appengine' });
    best = Math.min(best, clock.monotonic() - begin);
  }
  system.print('stdout', `${best}\n`);
  system.exit(0);
});
