/** The way to PID 1: a socket whose messages packages/small-host/native/init.c describes. */
import { bufferOffset, type Kernel } from '@pantavisor/small-host';
import type { InitProcess } from '../init-process.ts';
import { HostError } from '../ports.ts';

/** Variable with the number of the socket's descriptor. */
const variable = 'PANTAVISOR_INIT';
/** Variable, which a kernel parameter of this name sets, with the seconds of silence that PID 1 bears; 0 leaves a hang to the watchdog. */
const patienceVariable = 'PANTAVISOR_PATIENCE';
/** Part of the watchdog's time after which a silent runtime is started again, so that containers need not end with it. */
const patienceShare = 2 / 3;
/** As native/init-plan.c begins. */
const usualPatience = 60_000;
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

  const wanted = Number(environment[patienceVariable] || Number.NaN);
  const isFixed = wanted >= 0 && wanted <= 86_400;
  const patience = (ms: number) => {
    if (!isFixed) send(`patience ${Math.floor(ms)}`);
  };
  if (isFixed) send(`patience ${Math.floor(wanted * 1000)}`);
  return {
    alive: () => send('alive'),
    watchdogs: {
      async start(path, seconds) {
        const answer = ask(`watchdog ${seconds} ${path}`);
        const granted = Number(/^watchdog (-?\d+)$/.exec(answer)?.[1] ?? Number.NaN);
        if (!(granted > 0)) throw new HostError(errors[-granted] ?? 'EIO', 'start the watchdog', path);
        let open = true;
        patience(granted * 1000 * patienceShare);
        return {
          seconds: granted,
          feed: () => {
            if (!open) return;
            send('feed');
            send('alive');
          },
          close: () => {
            if (!open) return;
            send('unwatch');
            patience(usualPatience);
            open = false;
          },
        };
      },
    },
  };
}
