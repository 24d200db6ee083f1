/** The way to PID 1: a socket whose messages packages/small-host/native/init.c describes. */
import { bufferOffset, type Kernel } from '@pantavisor/small-host';
import type { InitProcess } from '../init-process.ts';
import { HostError } from '../ports.ts';

/** Variable with the number of the socket's descriptor. */
const variable = 'PANTAVISOR_INIT';
const setDescriptorFlags = 2;
const closeOnExec = 1;
const answerLimit = 256;
const errors: Readonly<Record<number, string>> = {
  2: 'ENOENT',
  6: 'ENXIO',
  16: 'EBUSY',
  19: 'ENODEV',
  22: 'EINVAL',
  25: 'ENOTTY',
};

/** The connection; undefined when PID 1 is not ours. Programs that the runtime starts do not get it, nor the variable. */
export function connectInit(kernel: Kernel, environment: Record<string, string>): InitProcess | undefined {
  const text = environment[variable];
  delete environment[variable];
  const descriptor = Number(text);
  if (text === undefined || !Number.isInteger(descriptor) || descriptor < 3) return undefined;
  if (kernel.raw('fcntl', 0, descriptor, setDescriptorFlags, closeOnExec) < 0) return undefined;

  const send = (message: string) => {
    const length = kernel.putText(message, bufferOffset);
    kernel.raw('write', 0b10, descriptor, bufferOffset, length);
  };
  /** PID 1 answers at once: it has nothing else to do. */
  const ask = (message: string): string => {
    send(message);
    const length = kernel.call('read', 0b10, [descriptor, bufferOffset, answerLimit], 'PID 1');
    return kernel.takeBuffer(length);
  };

  return {
    alive: () => send('alive'),
    patience: (ms) => send(`patience ${ms}`),
    watchdogs: {
      async start(path, seconds) {
        const answer = ask(`watchdog ${seconds} ${path}`);
        const granted = Number(/^watchdog (-?\d+)$/.exec(answer)?.[1] ?? Number.NaN);
        if (!(granted > 0)) throw new HostError(errors[-granted] ?? 'EIO', 'start the watchdog', path);
        let open = true;
        return {
          seconds: granted,
          feed: () => {
            if (open) send('feed');
          },
          close: () => {
            if (open) send('unwatch');
            open = false;
          },
        };
      },
    },
  };
}
