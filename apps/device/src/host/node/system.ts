import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { machine, release } from 'node:os';
import { reboot, setChildSubreaper, syncAll } from '@pantavisor/linux';
import type { System } from '../ports.ts';
import type { Children } from './children.ts';
import { guarded, hasCode } from './errors.ts';

function printSync(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      // A reader that has gone must not stop the device.
      if (hasCode(error, 'EPIPE', 'EIO', 'EBADF')) return;
      if (!hasCode(error, 'EAGAIN')) throw error;
      // Whoever made the pipe does not want to wait for its reader: Node writes the rest when there is room.
      (descriptor === 1 ? process.stdout : process.stderr).write(bytes.subarray(done));
      return;
    }
  }
}

/** This process and its machine. @param mesh command that starts the service mesh */
export function createSystem(children: Children, mesh?: string[]): System {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) environment[name] = value;
  return {
    hostName: `Node ${process.version}, ${process.arch}`,
    pid: process.pid,
    environment,
    arguments: process.argv.slice(2),
    ...(mesh === undefined ? {} : { mesh: { argv: mesh } }),
    kernelRelease: release(),
    machine: machine(),
    onSignal: (signal, callback) => {
      process.on(signal, callback);
    },
    print: (stream, text) => printSync(stream === 'stdout' ? 1 : 2, text),
    becomeSubreaper: () => {
      setChildSubreaper(true);
      process.on('SIGCHLD', () => children.reapOrphans());
      children.reapOrphans();
    },
    exit: (code) => process.exit(code),
    power: (action) =>
      guarded(action === 'reboot' ? 'restart' : 'switch off', 'the machine', async () => {
        await syncAll();
        reboot(action === 'reboot' ? 'restart' : 'poweroff');
      }),
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  };
}
