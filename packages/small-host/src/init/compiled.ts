/** The C of PID 1 for tests, compiled with the sanitizers that find what a test alone would not. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const native = fileURLToPath(new URL('../../native', import.meta.url));

/**
 * Compiles a driver of native/testing with the sources it tests.
 * @param folder where the program goes
 * @returns path of the program
 */
export function compileDriver(folder: string, driver: string, sources: readonly string[], sanitize = true): string {
  const program = join(folder, driver.replace(/\.c$/, ''));
  const flags = ['-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Werror'];
  if (sanitize) flags.push('-fsanitize=address,undefined', '-fno-sanitize-recover=all');
  const files = [join(native, 'testing', driver), ...sources.map((name) => join(native, name))];
  const { status, stderr } = spawnSync('gcc', [...flags, ...files, '-o', program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`gcc failed:\n${stderr}`);
  return program;
}
