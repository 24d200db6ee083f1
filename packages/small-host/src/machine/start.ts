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
  const texts: string[] = [];
  const descriptor = kernel.open(path, 0);
  try {
    let rest: Uint8Array = new Uint8Array();
    for (let count = kernel.read(descriptor); count > 0; count = kernel.read(descriptor)) {
      const bytes = new Uint8Array(rest.length + count);
      bytes.set(rest);
      bytes.set(kernel.bytes.subarray(bufferOffset, bufferOffset + count), rest.length);
      let begin = 0;
      for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, begin)) {
        texts.push(kernel.decode(bytes.subarray(begin, end)));
        begin = end + 1;
      }
      rest = bytes.subarray(begin);
    }
    if (rest.length > 0) texts.push(kernel.decode(rest));
  } finally {
    kernel.close(descriptor);
  }
  return texts;
}
