/** Serves one behaviour of the tests of the port `Http` until SIGTERM; says `ready`, or why it cannot, in one line of JSON. */
import { HostError } from '../../ports.ts';
import { type ServingRequest, serveBehaviour } from '../../testing/http-behaviours.ts';
import { createSmallHost } from '../index.ts';

const host = createSmallHost();
const { system } = host;
const say = (value: unknown) => system.print('stdout', `${JSON.stringify(value)}\n`);

serveBehaviour(host, JSON.parse(system.arguments[0] ?? '') as ServingRequest).then(
  (server) => {
    system.onSignal('SIGTERM', () => {
      server.close().then(() => system.exit(0));
    });
    say('ready');
  },
  (error: unknown) => {
    say(error instanceof HostError ? { code: error.code, message: error.message } : { message: String(error) });
    system.exit(1);
  },
);
