/** Starting programs through the C host (native/spawn.c). */
import { bufferSize, type Kernel, SystemCallError } from './kernel.ts';

export interface SpawnRequest {
  /** What is run; looked up in PATH when it has no slash. Absent: the first argument. */
  program?: string;
  argv: string[];
  environment: Record<string, string>;
  directory?: string | undefined;
  /** What becomes 0, 1 and 2; -1 is /dev/null. */
  descriptors: [number, number, number];
  /** The program leads a session of its own. */
  newSession: boolean;
}

const requestOffset = 64;
const headerWords = 8;

/** The pid of the started program. Throws SystemCallError with the reason of fork or exec, e.g. ENOENT, or E2BIG when texts do not fit. */
export function spawnProgram(kernel: Kernel, request: SpawnRequest): number {
  const variables = Object.entries(request.environment).map(([name, value]) => `${name}=${value}`);
  const words = [request.argv.length, variables.length, ...request.descriptors, request.newSession ? 1 : 0, 0, 0];
  let offset = requestOffset + 4 * (headerWords + request.argv.length + variables.length);
  const put = (text: string): number => {
    const begin = offset;
    const length = text.includes('\0') ? -1 : kernel.machine.put(text, begin);
    if (length < 0 || begin + length > kernel.bytes.length - bufferSize / 2)
      throw new SystemCallError(length === -1 ? 'EINVAL' : 'E2BIG', 'run', request.argv[0]);
    kernel.bytes[begin + length] = 0;
    offset = begin + length + 1;
    return begin;
  };
  if (request.directory !== undefined) words[6] = put(request.directory);
  if (request.program !== undefined) words[7] = put(request.program);
  for (const text of [...request.argv, ...variables]) words.push(put(text));
  for (const [index, word] of words.entries()) kernel.view.setInt32(requestOffset + 4 * index, word, true);
  return kernel.door(kernel.machine.spawn(requestOffset), 'run', request.argv[0]);
}
