/** What the process was started with, from /proc/self. */
import { bufferOffset, type Kernel } from './kernel.ts';

export interface StartValues {
  argv: string[];
  /** The name that the program was called by. */
  program: string;
  /** Path of the executable. */
  executable: string;
  environment: Record<string, string>;
}

/** Arguments without the program's own name, and the environment. */
export function startValues(kernel: Kernel): StartValues {
  const [program = '', ...argv] = readList(kernel, '/proc/self/cmdline');
  const environment: Record<string, string> = {};
  for (const entry of readList(kernel, '/proc/self/environ')) {
    const equals = entry.indexOf('=');
    if (equals > 0) environment[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  kernel.putPath('/proc/self/exe');
  const length = kernel.call('readlinkat', 0b110, [-100, 0, bufferOffset, 4096], '/proc/self/exe');
  return { argv, program, executable: kernel.takeText(bufferOffset, length), environment };
}

/** Texts that each end with a NUL. */
function readList(kernel: Kernel, path: string): string[] {
  const descriptor = kernel.open(path, 0);
  const pieces: number[] = [];
  try {
    for (let count = kernel.read(descriptor); count > 0; count = kernel.read(descriptor))
      for (const byte of kernel.bytes.subarray(bufferOffset, bufferOffset + count)) pieces.push(byte);
  } finally {
    kernel.close(descriptor);
  }
  const text = kernel.decode(Uint8Array.from(pieces));
  return text.endsWith('\0') ? text.slice(0, -1).split('\0') : text === '' ? [] : text.split('\0');
}
