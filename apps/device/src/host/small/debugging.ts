/** What helps to find out why: system calls as lines, and the heap on a signal. See docs/small-host.md. */
import { bufferOffset, bufferSize, errnoName, type Kernel, type SystemCall } from '@pantavisor/small-host';
import type { Signals } from './signals.ts';

/** Part of the window that nothing else uses. */
const lineOffset = bufferOffset + bufferSize;
const longestLine = 2048;
const longestText = 80;
const standardError = 2;

/** Writes every system call to standard error: `openat(-100, "/etc/os-release", 524288, 0) = 7`. */
export function traceSystemCalls(kernel: Kernel): void {
  const { machine } = kernel;
  kernel.watchCalls((call: SystemCall, pointers, values, result) => {
    const shown = values.map((value, index) => ((pointers >> index) & 1 ? quoted(kernel, value) : String(value)));
    const outcome = result < 0 ? `-1 ${errnoName(result)}` : String(result);
    const line = `${call}(${shown.join(', ')}) = ${outcome}\n`.slice(0, longestLine);
    kernel.writeUnwatched(standardError, lineOffset, machine.put(line, lineOffset));
  });
}

/** Text at an offset of the window if it is one, else its offset. */
function quoted(kernel: Kernel, offset: number): string {
  const end = kernel.bytes.subarray(offset, offset + longestText).indexOf(0);
  const bytes = kernel.bytes.subarray(offset, offset + (end < 0 ? longestText : end));
  if (bytes.length === 0 || !bytes.every((byte) => byte >= 32 && byte !== 127)) return `window+${offset}`;
  return JSON.stringify(kernel.machine.take(offset, bytes.length)) + (end < 0 ? '…' : '');
}

/** On SIGUSR2 writes the engine's account of its heap to standard error, one figure a line. */
export function reportHeapOnSignal(kernel: Kernel, signals: Signals, print: (text: string) => void): void {
  signals.on('SIGUSR2', () => {
    const usage = kernel.machine.memoryUsage();
    const lines = Object.entries(usage).map(([name, figure]) => `pantavisor: heap ${name} ${figure}\n`);
    print(lines.join(''));
  });
}
