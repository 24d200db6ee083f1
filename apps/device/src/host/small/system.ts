/** The runtime's own process and its machine. */
import { bufferOffset, type Kernel } from '@pantavisor/small-host';
import { HostError, type System } from '../ports.ts';
import type { Children } from './children.ts';
import type { Signals } from './signals.ts';

const setChildSubreaper = 36;
/** Fields of struct new_utsname: 65 bytes each. */
const nameSize = 65;
const release = 2;
const machine = 4;
/** The kernel's log takes about a thousand bytes with each write (Documentation/ABI/testing/dev-kmsg); a character has three at most. */
const longestPiece = 300;
const rebootMagic = [0xfee1dead, 672274793] as const;
const rebootCommand = { reboot: 0x01234567, poweroff: 0x4321fedc } as const;

/**
 * Creates the port.
 * @param environment what the process was started with, as is `argv`
 * @param logsToKernel both outputs are the kernel's log
 */
export function createSystem(
  kernel: Kernel,
  signals: Signals,
  children: Children,
  environment: Record<string, string>,
  argv: string[],
  logsToKernel = false,
): System {
  const uname = (field: number): string => {
    kernel.call('uname', 0b1, [bufferOffset]);
    const begin = bufferOffset + field * nameSize;
    return kernel.takeText(begin, kernel.bytes.indexOf(0, begin) - begin);
  };
  return {
    hostName: `small, ${kernel.architecture}`,
    pid: kernel.call('getpid', 0, []),
    environment,
    arguments: argv,
    // The executable is the mesh when it is called by this name; what it is called itself may have moved since.
    mesh: { program: '/proc/self/exe', argv: ['pv-xconnect'] },
    kernelRelease: uname(release),
    machine: uname(machine),
    onSignal: (signal, callback) => signals.on(signal, callback),
    print(stream, text) {
      if (logsToKernel) {
        const level = stream === 'stderr' ? '<4>' : '<6>';
        for (const line of text.split('\n'))
          for (let begin = 0; begin < line.length; begin += longestPiece) {
            const piece = line.slice(begin, begin + longestPiece);
            // A record that does not end a line may go on, and nobody sees it before the next one comes.
            const length = kernel.putText(`${level}pantavisor: ${piece}\n`, bufferOffset);
            kernel.raw('write', 0b10, 1, bufferOffset, length);
          }
        return;
      }
      const bytes = kernel.encode(text);
      for (let done = 0; done < bytes.length; ) {
        const piece = bytes.subarray(done, done + 65536);
        kernel.bytes.set(piece, bufferOffset);
        const count = kernel.raw('write', 0b10, stream === 'stdout' ? 1 : 2, bufferOffset, piece.length);
        // A reader that has gone must not stop the device.
        if (count < 0) return;
        done += count;
      }
    },
    becomeSubreaper() {
      kernel.call('prctl', 0, [setChildSubreaper, 1, 0, 0, 0]);
      signals.on('SIGCHLD', () => children.reapOrphans());
      children.reapOrphans();
    },
    exit: (code) => kernel.machine.exit(code),
    async power(action) {
      kernel.raw('sync', 0);
      const result = kernel.raw('reboot', 0, rebootMagic[0], rebootMagic[1], rebootCommand[action], 0);
      if (result < 0) throw new HostError('EPERM', action === 'reboot' ? 'restart' : 'switch off', 'the machine');
    },
    randomHex(bytes) {
      kernel.call('getrandom', 0b1, [bufferOffset, bytes, 0]);
      let text = '';
      for (const byte of kernel.bytes.subarray(bufferOffset, bufferOffset + bytes))
        text += byte.toString(16).padStart(2, '0');
      return text;
    },
  };
}
